#pragma once
#include <libxml/HTMLparser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

// A variable that holds a function pointer, which Swift takes for shared mutable state.
static inline void xml_free(void *memory) { xmlFree(memory); }

// Parser and XPath messages go to stderr unless a handler takes them; a Swift closure cannot be variadic.
static inline void xml_discard_error(void *context, xmlErrorPtr error) { (void)context; (void)error; }
static inline void xml_silence(xmlXPathContextPtr context) {
  context->error = (xmlStructuredErrorFunc)xml_discard_error;
}

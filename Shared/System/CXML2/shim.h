#pragma once
// libxml2's own converters are of ICU in Debian, and its headers bring ICU's; Foundation brings another version of the
// same types, and one program of both does not compile. Only pointers to what holds the converters are used here.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
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

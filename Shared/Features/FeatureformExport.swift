/// The definitions as resources of Featureform (docs.featureform.com), which are read from the hot store: each is an
/// on-demand feature that the client computes by asking for the field of the symbol's hash.
package enum FeatureformExport {
  /// A program that `featureform apply` or a notebook takes; needs the packages featureform and redis.
  package static func python(_ set: FeatureSet) -> String {
    var lines = [
      "# Written by `souk features export`. Change the definitions and export again.",
      "# Values are those of the hot store at REDIS_URL; None where there is none that is fresh.",
      "import featureform as ff",
      "",
      "ff.register_user(\"souk\").make_default_owner()",
    ]
    for feature in set.features {
      let about = feature.about.isEmpty ? feature.text : feature.about
      lines += [
        "",
        "",
        "@ff.ondemand_feature(",
        "    name=\(FeastExport.quoted(feature.name)), variant=\(FeastExport.quoted("v\(feature.version)")),",
        "    description=\(FeastExport.quoted(about)),",
        "    properties={\"id\": \(FeastExport.quoted(feature.id)), "
          + "\"definition\": \(FeastExport.quoted(feature.text))},",
        ")",
        "def \(FeastExport.field(feature))(client, params, entities):",
        // Featureform runs the body alone, elsewhere: it brings its imports.
        "    import os",
        "    import redis",
        "    key = \"feat:{\" + entities[\"symbol\"] + \"}\"",
        "    value = redis.Redis.from_url(os.environ[\"REDIS_URL\"]).hget(key, \(FeastExport.quoted(feature.id)))",
        "    return None if value is None else float(value)",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

"""Each rule of arrows.py fails on a small tree that breaks it, and on nothing else of that tree."""
import os
import tempfile
import unittest

import arrows

MANIFEST = f"""let products: [String: String] = [
  "Logging": "swift-log",
]
{arrows.BEGIN}
let imports = lists(\"\"\"
  Old: Gone
  \"\"\")
{arrows.END}
let rest = 1
"""


def target(name, folder, dependencies=(), kind="regular", exclude=()):
    return {"name": name, "path": folder, "type": kind, "exclude": list(exclude),
            "dependencies": [{"byName": [each, None]} for each in dependencies]}


class ArrowsTests(unittest.TestCase):
    def tree(self, files, targets):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for path, text in {"Package.swift": MANIFEST, **files}.items():
            path = os.path.join(folder.name, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return arrows.Tree(folder.name, {"targets": targets})

    def violations(self, files, *targets):
        return list(self.tree(files, list(targets)).violations())

    def assert_only(self, violations, part):
        self.assertEqual(len(violations), 1, violations)
        self.assertIn(part, violations[0])

    def test_a_lower_layer_may_be_imported(self):
        lowest, second = arrows.LAYERS[0][0], arrows.LAYERS[1][0]
        files = {f"Shared/{second}/A.swift": f"import {lowest}\n", f"Shared/{lowest}/A.swift": "import Glibc\n"}
        self.assertEqual(self.violations(
            files, target(lowest, f"Shared/{lowest}"), target(second, f"Shared/{second}", [lowest])), [])

    def test_a_higher_layer_may_not(self):
        lowest, second = arrows.LAYERS[0][0], arrows.LAYERS[1][0]
        files = {f"Shared/{lowest}/A.swift": f"package import struct {second}.Name\n", f"Shared/{second}/A.swift": ""}
        self.assert_only(self.violations(
            files, target(lowest, f"Shared/{lowest}", [second]), target(second, f"Shared/{second}")), "lower layer")

    def test_a_module_of_the_same_layer_may_not(self):
        files = {"Shared/Redis/A.swift": "import Postgres\n", "Shared/Postgres/A.swift": ""}
        self.assert_only(self.violations(
            files, target("Redis", "Shared/Redis", ["Postgres"]), target("Postgres", "Shared/Postgres")),
            "lower layer")

    def test_a_shared_module_needs_a_layer(self):
        self.assert_only(self.violations({"Shared/New/A.swift": ""}, target("New", "Shared/New")), "no layer")

    def test_a_service_imports_no_service_but_its_own(self):
        files = {"Services/A/A.swift": "", "Services/A/Main/M.swift": "import AService\n",
                 "Services/B/B.swift": "@testable import AService\n"}
        self.assert_only(self.violations(
            files, target("AService", "Services/A", exclude=["Main"]),
            target("a", "Services/A/Main", ["AService"], "executable"),
            target("BService", "Services/B", ["AService"])), "service BService imports service AService")

    def test_a_shared_module_imports_no_service(self):
        files = {"Shared/Redis/A.swift": "import AService\n", "Services/A/A.swift": ""}
        self.assert_only(self.violations(
            files, target("Redis", "Shared/Redis", ["AService"]), target("AService", "Services/A")), "imports service")

    def test_descriptors_are_not_watched_by_libdispatch(self):
        files = {"Tests/ATests/A.swift": "// URLSession\nlet session = URLSession.shared\n"}
        self.assert_only(self.violations(files, target("ATests", "Tests/ATests", kind="test")), "URLSession is not safe")

    def test_a_sink_imports_no_kafka(self):
        files = {"Shared/ObjectStore/A.swift": "import Kafka\n", "Shared/Kafka/A.swift": "",
                 "Shared/Pipeline/A.swift": "import Kafka\n"}
        self.assert_only(self.violations(
            files, target("ObjectStore", "Shared/ObjectStore", ["Kafka"]), target("Kafka", "Shared/Kafka"),
            target("Pipeline", "Shared/Pipeline", ["Kafka"])), "ObjectStore imports Kafka")

    def test_only_the_bridge_imports_librdkafka(self):
        # The bridge comes first in the order of paths, which must not hide the other file.
        files = {"Shared/Kafka/Bridge/A.swift": "import CRdKafka\n", "Shared/Kafka/Z.swift": "import CRdKafka\n",
                 "Tests/KafkaTests/A.swift": "import CRdKafka\n"}
        library = target("CRdKafka", "Shared/System/CRdKafka", kind="system")
        self.assert_only(self.violations(
            files, library, target("Kafka", "Shared/Kafka", ["CRdKafka"]),
            target("KafkaTests", "Tests/KafkaTests", ["CRdKafka"], "test")), "Shared/Kafka/Z.swift")

    def test_nothing_outside_tests_imports_tests(self):
        files = {"Services/A/A.swift": "import TestSupport\n", "Tests/Support/A.swift": ""}
        self.assert_only(self.violations(
            files, target("AService", "Services/A", ["TestSupport"]), target("TestSupport", "Tests/Support")),
            "for tests only")

    def test_an_import_must_be_declared(self):
        files = {"Tests/ATests/A.swift": "import Logging\nimport Foundation\n"}
        self.assert_only(self.violations(files, target("ATests", "Tests/ATests", kind="test")), "imports Logging")

    def test_a_declaration_must_be_imported(self):
        files = {"Tests/ATests/A.swift": "// import Logging\n", "Tests/ATests/Left/B.swift": "import Logging\n"}
        self.assert_only(self.violations(
            files, target("ATests", "Tests/ATests", ["Logging"], "test", ["Left"])), "declares Logging")

    def test_a_test_may_start_a_program_that_it_does_not_import(self):
        files = {"Tests/ATests/A.swift": "", "Tests/Probe/A.swift": ""}
        self.assertEqual(self.violations(
            files, target("ATests", "Tests/ATests", ["probe"], "test"),
            target("probe", "Tests/Probe", kind="executable")), [])

    def test_lists_are_written_from_the_imports(self):
        names = [f"Module{index:02}" for index in range(12)]
        files = {"Tests/ATests/A.swift": "".join(f"import {name}\n" for name in ["Logging", *reversed(names)])}
        targets = [target(name, f"Tests/{name}") for name in names]
        tree = self.tree({**files, **{f"Tests/{name}/A.swift": "" for name in names}},
                         [target("ATests", "Tests/ATests", kind="test"), *targets])
        written = tree.written()
        self.assertTrue(all(len(line) <= 120 for line in written.splitlines()))
        self.assertIn("  ATests: Logging Module00 Module01 ", written)
        self.assertRegex(written, r" \\\n    Module11\n")
        self.assertIn("  Module00:\n", written)
        self.assertNotIn("Gone", written)
        self.assertTrue(written.endswith(f'  """)\n{arrows.END}\nlet rest = 1\n'))


if __name__ == "__main__":
    unittest.main()

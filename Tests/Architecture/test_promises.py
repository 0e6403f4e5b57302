"""The table of promises in Tests/README.md."""
import os
import unittest

import promises

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


class PromisesTests(unittest.TestCase):
    maxDiff = None

    def test_every_promise_names_tests_that_there_are(self):
        self.assertEqual(list(promises.problems(ROOT)), [])

    def test_names_are_read(self):
        table = promises.HEADING + "\n\n| promise | tests |\n|---|---|\n| A thing | `OneTests.a`, `TwoTests.b` |\n"
        self.assertEqual(promises.named(table), {"A thing": ["OneTests.a", "TwoTests.b"]})
        self.assertIn("FaultTests.seed", promises.tests(os.path.join(ROOT, "Tests/Faults")))


if __name__ == "__main__":
    unittest.main()

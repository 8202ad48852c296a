"""documents.py finds missing titles and links that lead nowhere."""
import pathlib
import tempfile
import unittest

import documents


class Documents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("README.md", "# Title\n\nSee [docs](docs/a.md), [it](docs/a.md#second-part),\n"
                                "[below](#below), [mail](mailto:a@b), ![picture](docs/p.svg).\n\n"
                                "```sh\n# no title [no](link.md)\n```\n`[no](link.md)`\n## Below\n")
        self.write("docs/a.md", "# A\n\n## `Second` part\n[up](../README.md)\n")
        self.write("docs/p.svg", "<svg/>")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def violation(self, path, text, expected):
        self.assertEqual(documents.check(self.root), [])
        self.write(path, text)
        self.assertEqual(documents.check(self.root), [expected])

    def test_a_link_that_leads_nowhere(self):
        self.violation("docs/a.md", "# A\n\n## Second part\n[x](b.md)\n",
                       "docs/a.md:4: the link b.md leads nowhere")

    def test_a_heading_that_is_not_there(self):
        self.violation("docs/a.md", "# A\n\n## Third part\n",
                       "README.md:3: docs/a.md has no heading #second-part")

    def test_a_link_out_of_the_project(self):
        self.violation("docs/b.md", "# B\n[x](../../other/c.md)\n",
                       "docs/b.md:2: the link ../../other/c.md leaves the project")

    def test_no_title(self):
        self.violation("docs/b.md", "Text.\n",
                       "docs/b.md:1: a document begins with its one # title")

    def test_two_titles(self):
        self.violation("docs/b.md", "# One\n\n# Two\n",
                       "docs/b.md:3: a document begins with its one # title")


if __name__ == "__main__":
    unittest.main()

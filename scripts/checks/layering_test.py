"""layering.py finds every kind of forbidden include, and names the file and the fix."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import layering

CHECK = pathlib.Path(layering.__file__)


class Tree(unittest.TestCase):
    """A small tree that keeps the rules, which each test breaks once."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        self.write("cmake/floors.txt", "# rooms\n0 base\n1 coding os\n2 net model\n"
                                       "3 publish storage\n4 node\n5 cli\n")
        for name, deps in {"base": "", "coding": "base", "os": "base", "net": "base",
                           "model": "base", "publish": "base coding", "storage": "base coding",
                           "node": "base publish\n    storage net", "cli": "base os node"}.items():
            self.write(f"src/{name}/CMakeLists.txt",
                       f"# {name}\nroom({name} DEPS {deps} TEST_DEPS os LIBRARIES x)\n"
                       if name == "publish" else f"# {name}\nroom({name} DEPS {deps})\n")
        self.write("src/publish/a.hpp", '#include <vector>\n#include "coding/c.hpp"\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def forbidden(self, path, text, *words):
        """Exactly one violation, at the last line of `path`, with these words in it."""
        self.assertEqual(layering.check(self.root), [])
        self.write(path, text)
        violations = layering.check(self.root)
        self.assertEqual(len(violations), 1, violations)
        line = text.rstrip("\n").count("\n") + 1
        self.assertTrue(violations[0].startswith(f"{path}:{line}: "), violations[0])
        for word in words:
            self.assertIn(word, violations[0])

    def allowed(self, path, text):
        self.write(path, text)
        self.assertEqual(layering.check(self.root), [])

    def test_a_room_that_is_not_among_the_deps(self):
        self.forbidden("src/publish/a.cpp", '#include <vector>\n\n#include "storage/node.hpp"\n',
                       "publish may not include storage/node.hpp", "src/publish/CMakeLists.txt")

    def test_the_program_exits_1_and_prints_file_and_fix(self):
        run = [sys.executable, str(CHECK), str(self.root)]
        good = subprocess.run(run, capture_output=True, text=True, check=False)
        self.assertEqual((good.returncode, good.stdout), (0, "layering: clean\n"))
        self.write("src/coding/c.cpp", '#include "publish/a.hpp"\n')
        bad = subprocess.run(run, capture_output=True, text=True, check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("src/coding/c.cpp:1: coding may not include publish/a.hpp", bad.stdout)
        self.assertIn("add publish to the DEPS of src/coding/CMakeLists.txt", bad.stdout)

    def test_an_arrow_that_does_not_point_down(self):
        self.forbidden("src/coding/CMakeLists.txt", "room(coding DEPS base publish)\n",
                       "coding (floor 1) depends on publish (floor 3)", "arrows point down")

    def test_neighbours_on_one_floor(self):
        self.forbidden("src/publish/CMakeLists.txt", "room(publish DEPS base coding storage)\n",
                       "publish (floor 3) depends on storage (floor 3)")

    def test_os_outside_of_cli_and_tests(self):
        self.forbidden("src/node/CMakeLists.txt", "room(node DEPS base publish os)\n",
                       "node depends on os", "only cli builds real ones")

    def test_test_deps_serve_tests_only(self):
        for kind in ("test", "fuzz", "bench"):
            self.allowed(f"src/publish/a_{kind}.cpp", '#include "os/clock.hpp"\n')
        self.forbidden("src/publish/a.cpp", '#include "os/clock.hpp"\n', "add os to the DEPS")

    def test_generated_messages_outside_of_node_and_cli(self):
        self.allowed("src/node/wire.cpp", '#include "mutirao/v1/storage.pb.h"\n')
        self.forbidden("src/publish/a.cpp", '#include "mutirao/v1/storage.pb.h"\n',
                       "protobuf is for calls only")

    def test_outside_libraries_in_the_wrong_room(self):
        for home, header in (("net", "grpcpp/channel.h"), ("net", "boost/asio/post.hpp"),
                             ("model/plugin", "torch/types.h"), ("cli", "boost/json.hpp"),
                             ("os", "unistd.h"), ("os", "fstream"), ("cli", "iostream")):
            with self.subTest(header=header):
                self.allowed(f"src/{home}/x.cpp", f"#include <{header}>\n")
                file = "src/coding/c.cpp"
                self.write(file, f"#include <{header}>\n")
                violations = layering.check(self.root)
                self.assertEqual(len(violations), 1)
                self.assertIn(f"{file}:1: coding includes {header}, allowed in:", violations[0])
                (self.root / file).unlink()

    def test_torch_outside_of_the_plug_in(self):
        self.forbidden("src/model/backend.cpp", "#include <torch/types.h>\n", "model/plugin")

    def test_random_and_the_time_of_day_nowhere(self):
        self.forbidden("src/os/clock.cpp", "#include <random>\n", "nowhere")

    def test_includes_that_do_not_start_at_src(self):
        self.forbidden("src/publish/a.cpp", '#include "a.hpp"\n', '#include "publish/a.hpp"')

    def test_our_headers_in_angle_brackets(self):
        self.forbidden("src/publish/a.cpp", "#include <coding/c.hpp>\n", '#include "coding/c.hpp"')

    def test_test_headers_in_production_code(self):
        self.allowed("src/publish/b_test.cpp", '#include "publish/fake_test.hpp"\n')
        self.forbidden("src/publish/b.cpp", '#include "publish/fake_test.hpp"\n', "test header")

    def test_a_folder_that_is_no_room(self):
        self.forbidden("src/misc/CMakeLists.txt", "add_library(misc)\n", "room(misc ...)")

    def test_a_room_on_no_floor(self):
        self.forbidden("src/attic/CMakeLists.txt", "room(attic DEPS base)\n", "cmake/floors.txt")


if __name__ == "__main__":
    unittest.main()

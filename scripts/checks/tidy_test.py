"""tidy.py finds what it bans, names the replacement, and leaves the rest alone."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import tidy


class Tidy(unittest.TestCase):
    """A small tree that is tidy, which each test soils once."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("src/base/README.md", "# base\n")
        self.write("src/base/CMakeLists.txt", "room(base)\n")
        self.write("src/base/a.cpp", '// system(1), std::rand() and "quotes"\n'
                                     'const char* text = "std::cout << gets(x)";\n'
                                     "int grand() { return clock.system(); }\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self):
        return tidy.check(self.root)

    def fails(self, path, text, line, *words):
        self.assertEqual(self.check(), ([], []))
        self.write(path, text)
        failures, _ = self.check()
        self.assertEqual(len(failures), 1, failures)
        self.assertTrue(failures[0].startswith(f"{path}:{line}: "), failures[0])
        for word in words:
            self.assertIn(word, failures[0])

    def test_banned_calls_name_their_replacement(self):
        calls = {
            "std::rand()": "Random&", "srand(1)": "Random&", "std::random_device d;": "Random&",
            'system("ls")': "os/process.hpp", "gets(line)": "std::getline",
            "strcpy(a, b)": "std::string", 'sprintf(a, "x")': "snprintf",
            "std::chrono::system_clock::now()": "Clock&",
            "std::chrono::steady_clock::now()": "Clock&",
            "std::this_thread::sleep_for(x)": "Clock::sleep", "std::cout << x": "cli",
            "std::mt19937_64 r;": "SeededRandom", "std::regex r;": "by hand",
            "using namespace std;": "name what is used",
        }
        for call, instead in calls.items():
            with self.subTest(call=call):
                self.fails("src/base/b.cpp", f"\nvoid f() {{ {call}; }}\n", 2, "is banned here",
                           instead)
                self.write("src/base/b.cpp", "")

    def test_homes_of_what_is_banned_elsewhere(self):
        for path, text in (("src/os/clock.cpp", "std::chrono::system_clock::now();"),
                           ("src/os/x_test.cpp", "sleep_for(x);"),
                           ("src/base/x_test.cpp", "std::chrono::steady_clock::now();"),
                           ("src/base/x_bench.cpp", "std::cout << 1;"),
                           ("bench/a/a.cpp", "std::cout << std::chrono::steady_clock::now();"),
                           ("src/cli/out.cpp", "std::cout << 1;")):
            self.write(path, text + "\n")
        for room in ("os", "cli"):
            self.write(f"src/{room}/README.md", "# r\n")
            self.write(f"src/{room}/CMakeLists.txt", "room(r)\n")
        self.assertEqual(self.check(), ([], []))

    def test_snprintf_and_members_are_free(self):
        self.write("src/base/b.cpp", 'void f() { std::snprintf(a, 1, "x"); disk.system(); }\n')
        self.assertEqual(self.check(), ([], []))

    def test_long_lines_count_characters(self):
        self.write("src/base/b.cpp", "// " + "ã" * 97 + "\n")
        self.fails("src/base/b.cpp", "// " + "ã" * 98 + "\n", 1, "101 columns")

    def test_long_files(self):
        self.write("src/base/b.cpp", "int x;\n" * 800)
        self.assertEqual(len(self.check()[1]), 1)
        self.write("src/base/b.cpp", "int x;\n" * 801)
        failures, _ = self.check()
        self.assertIn("split it by idea", failures[0])

    def test_long_functions_are_warned_of(self):
        for lines in (60, 61):
            body = "    g();\n" * (lines - 3)
            self.write("src/base/b.cpp", "int f(int a,\n      int b) {\n" + body + "}\n")
            failures, warnings = self.check()
            self.assertEqual((failures, len(warnings)), ([], int(lines > 60)))
        self.assertIn("src/base/b.cpp:1: warning: a function of 61 lines", warnings[0])

    def test_unfinished_work(self):
        mark = "TO" "DO"
        self.fails("docs/a.md", f"# A\n\n{mark}: more\n", 3, mark)

    def test_paths_of_one_machine(self):
        self.fails("src/base/b.cpp", f'auto p = "{"/ho" "me"}/ana/x";\n', 1, "path of one machine")

    def test_hosts_in_what_builds(self):
        self.fails("scripts/fetch", "curl https:" "//example.org/x\n", 1, "names a host")

    def test_hosts_are_free_in_documents_and_loopback_everywhere(self):
        self.write("docs/a.md", "# A\nhttps://example.org\n")
        self.write("scripts/x.py", 'url = "http://127.0.0.1:80"\n')
        self.assertEqual(self.check(), ([], []))

    def test_lock_files_that_record_addresses(self):
        self.fails("scripts/npm/package-lock.json", '{\n"resolved": "x"}\n', 2, "names a host")

    def test_rooms_without_a_readme(self):
        self.write("src/misc/CMakeLists.txt", "room(misc)\n")
        self.assertEqual(self.check()[0],
                         ["src/misc/README.md:1: is missing; every room has one"])

    def test_the_program_exits_1_and_prints_what_it_found(self):
        run = [sys.executable, tidy.__file__, str(self.root)]
        self.assertEqual(subprocess.run(run, capture_output=True, check=False).returncode, 0)
        self.write("src/base/b.cpp", "int x = std::rand();\n")
        bad = subprocess.run(run, capture_output=True, text=True, check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("src/base/b.cpp:1: std::rand is banned here; take Random&", bad.stdout)


if __name__ == "__main__":
    unittest.main()

"""scripts/bootstrap asks for what is missing and for nothing else; data sets come when tests ask
for them (scripts/install-datasets). apt-get, dpkg-query, npm and go are played by small programs
that write down how they were called."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tree import ROOT


class Bootstrap(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.calls = self.root / "calls"
        (self.root / "scripts/npm").mkdir(parents=True)
        # The script, with the handbook in this folder.
        text = (ROOT / "scripts/bootstrap").read_text()
        handbook = self.root / "handbook"
        (handbook / "html/pt-BR").mkdir(parents=True)
        self.assertIn("handbook=/usr/share/doc/debian-handbook\n", text)
        script = self.root / "scripts/bootstrap"
        script.write_text(text.replace("handbook=/usr/share/doc/debian-handbook",
                                       f"handbook={handbook}"))
        shutil.copy(ROOT / "scripts/install-cometbft", self.root / "scripts")
        shutil.copy(ROOT / "scripts/install-datasets", self.root / "scripts")
        shutil.copy(ROOT / "scripts/install-secp256k1", self.root / "scripts")
        self.datasets = self.root / "build/deps/datasets"
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "scripts/npm" / name, self.root / "scripts/npm")
        self.play("apt-get", "exit 0")
        self.play("sudo", '"$@"')
        self.play("node", "exit 0")
        self.play("npm", "mkdir -p node_modules")
        self.play_go("1.19.8")
        self.play("pip3", "exit 1")
        self.installed(missing=(), besides=())

    def play(self, name, body):
        program = self.root / "bin" / name
        program.parent.mkdir(exist_ok=True)
        quiet = name in ("dpkg-query", "sudo", "go", "pip3")
        log = "" if quiet else f'echo "{name} $*" >> {self.calls}\n'
        program.write_text(f"#!/bin/bash\n{log}{body}\n")
        program.chmod(0o755)

    def installed(self, missing, besides):
        """Every package but `missing` is installed, of other ones only `besides`."""
        absent = " ".join(missing)
        self.play("dpkg-query", f"""
absent=" {absent} "; besides=" {' '.join(besides)} "; format=$3; shift 3
for package in "$@"; do
    if [[ $package == libboost1.74-dev && $besides != *" $package "* ]]; then exit 1; fi
    if [[ $absent == *" $package "* ]]; then status=1; continue; fi
    [[ $format == *Package* ]] && printf '%s ' "$package"
    printf 'installed\\n'
done
exit ${{status:-0}}""")

    def run_(self, script="bootstrap"):
        self.calls.write_text("")
        path = self.root / "scripts" / script
        done = subprocess.run(["bash", str(path)], capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{self.root / 'bin'}:/usr/bin:/bin"},
                              check=False)
        return done, self.calls.read_text().splitlines()

    def test_installs_once_and_then_nothing(self):
        done, calls = self.run_()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(calls, ["npm ci --ignore-scripts --no-audit --no-fund"])
        done, calls = self.run_()
        self.assertEqual((done.returncode, calls), (0, []))

    def test_data_sets_come_when_tests_ask_and_once(self):
        self.run_()
        self.assertFalse(self.datasets.exists())
        # Without Debian's archive there are none, and tests go on.
        self.play("apt-get", "exit 100")
        done, calls = self.run_("install-datasets")
        self.assertEqual((done.returncode, len(calls)), (0, 1))
        self.assertIn("tests on real data sets are skipped", done.stdout)
        self.assertFalse((self.datasets / "complete").exists())
        (self.datasets / "complete").touch()
        self.assertEqual(self.run_("install-datasets")[1], [])

    def test_sources_of_secp256k1_come_once_or_debians_are_used(self):
        self.run_()
        done, _ = self.run_("install-secp256k1")
        self.assertIn("goes on with Debian's libsecp256k1", done.stdout)
        stamp = self.root / "build/deps/secp256k1.package"
        self.assertFalse(stamp.exists())
        self.play("pip3", f"""echo "pip3 $*" >> {self.calls}
while [[ $1 != --dest ]]; do shift; done
cd "$2"; mkdir -p electrum_ecc-0.0.8/libsecp256k1/{{src,include}}
touch electrum_ecc-0.0.8/libsecp256k1/{{COPYING,src/secp256k1.c,include/secp256k1.h}}
tar -czf electrum_ecc-0.0.8.tar.gz electrum_ecc-0.0.8""")
        done, calls = self.run_("install-secp256k1")
        self.assertEqual((done.returncode, len(calls)), (0, 1), done.stderr)
        self.assertIn("--require-hashes", calls[0])
        self.assertTrue((self.root / "build/deps/secp256k1/src/secp256k1.c").exists())
        self.assertTrue(stamp.exists())
        self.assertEqual(self.run_("install-secp256k1")[1], [])

    def play_go(self, version, outcome="touch $GOBIN/cometbft; chmod +x $GOBIN/cometbft"):
        self.play("go", f'''if [[ $1 == env ]]; then echo go{version}; exit; fi
echo "go $*" >> {self.calls}; {outcome}''')

    def test_go_installs_the_cometbft_that_it_can_build_and_that_once(self):
        self.run_()
        for version, wanted in (("1.26.8", "v0.40.0"), ("1.25", "v0.40.0"), ("1.24.9", "v0.38.25"),
                                ("1.22.11", "v0.38.25")):
            self.play_go(version)
            self.assertEqual(self.run_()[1][-1:],
                             [f"go install github.com/cometbft/cometbft/cmd/cometbft@{wanted}"])
            self.assertEqual(self.run_()[1], [])
            (self.root / "build/deps/cometbft.version").unlink()

    def test_without_a_go_that_can_there_is_no_cometbft_and_all_else(self):
        (self.root / "bin/go").unlink()
        if shutil.which("go", path="/usr/bin:/bin") is None:
            self.assertIn("Go is not installed: no CometBFT", self.run_()[0].stdout)
        for version in ("1.19.8", "1.22.10"):
            self.play_go(version)
            done, calls = self.run_()
            self.assertEqual((done.returncode, calls), (0, []))
            self.assertIn(f"Go {version} is too old", done.stdout)
        self.play_go("1.26.8", "echo no route; exit 1")
        done, _ = self.run_()
        self.assertEqual(done.returncode, 0)
        self.assertIn("no route", done.stderr)
        self.assertIn("goes on without CometBFT", done.stdout)

    def test_asks_apt_for_what_is_missing_only(self):
        self.installed(missing=("mold", "libcli11-dev"), besides=())
        self.run_()
        done, calls = self.run_()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(calls[0], "apt-get update")
        self.assertEqual(len(calls), 2)
        self.assertTrue(calls[1].endswith(" mold libcli11-dev"), calls[1])
        self.assertIn("--no-remove", calls[1])

    def test_a_changed_lock_installs_the_npm_packages_again(self):
        self.run_()
        with open(self.root / "scripts/npm/package-lock.json", "a", encoding="utf-8") as lock:
            lock.write("\n")
        self.assertEqual(len(self.run_()[1]), 1)
        self.assertEqual(self.run_()[1], [])

    def test_an_interrupted_npm_is_run_again(self):
        self.play("npm", "mkdir -p node_modules; echo broken; exit 1")
        done, _ = self.run_()
        self.assertEqual(done.returncode, 1)
        self.assertIn("npm ci failed", done.stderr)
        self.assertIn("broken", done.stderr)
        self.play("npm", "mkdir -p node_modules")
        self.assertEqual(len(self.run_()[1]), 1)

    def test_a_failing_apt_is_told_in_words(self):
        self.installed(missing=("mold",), besides=())
        self.play("apt-get", "echo E: no such thing; exit 100")
        done, _ = self.run_()
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get update failed", done.stderr)
        self.assertIn("E: no such thing", done.stderr)

    def test_the_other_boost_is_named_before_anything_is_touched(self):
        self.installed(missing=("libboost1.81-dev",), besides=("libboost1.74-dev",))
        done, calls = self.run_()
        self.assertEqual((done.returncode, calls), (1, []))
        self.assertIn("libboost1.81-dev cannot stand beside libboost1.74-dev", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""Many at once: sixty-four clients, and ten thousand small objects."""
import concurrent.futures
import hashlib
import random
import unittest

from own_network import OwnNetwork

CLIENTS = 64
WALLETS = 16
SMALL = 10_000


class Crowd(OwnNetwork):
    nodes = 8
    people = tuple(f"w{i}" for i in range(WALLETS))

    def test_sixty_four_clients_at_once_each_get_their_own_back(self):
        chance = random.Random(7)
        contents = {f"c{i}": chance.randbytes(chance.choice((900, 70_000, 700_000, 3_000_000)))
                    for i in range(CLIENTS)}

        def client(item):
            name, content = item
            wallet = f"w{int(name[1:]) % WALLETS}"  # four clients share a wallet
            file, back = self.path / name, self.path / f"{name}.back"
            file.write_bytes(content)
            self.network.run("put", file, "--wallet", wallet)
            self.network.run("get", name, "--wallet", wallet, "-o", back)
            return back.read_bytes() == content

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            self.assertEqual(list(pool.map(client, contents.items())), [True] * CLIENTS)

    def test_ten_thousand_small_objects_go_in_with_one_command_and_each_reads_back(self):
        chance = random.Random(8)
        folder = self.path / "small"
        folder.mkdir()
        files = []
        for i in range(SMALL):
            files.append(folder / f"small-{i}")
            files[-1].write_bytes(chance.randbytes(chance.randrange(1, 2000)))
        put = self.network.run("put", *files, "--wallet", "w0")
        self.assertEqual(len(put["objects"]), SMALL)
        names = {o["name"] for o in self.network.run("ls", "--wallet", "w0")["objects"]}
        self.assertEqual({file.name for file in files} - names, set())
        for i in chance.sample(range(SMALL), 40):
            back = self.path / "back"
            self.network.run("get", f"small-{i}", "--wallet", "w0", "-o", back)
            self.assertEqual(hashlib.sha256(back.read_bytes()).digest(),
                             hashlib.sha256(files[i].read_bytes()).digest(), i)


if __name__ == "__main__":
    unittest.main(verbosity=2)

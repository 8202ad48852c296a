"""The farmers' table: two owners, two trainers, a model of diseases that answers a new row; and the
teacher's texts in pieces, fine-tuned with adapters."""
import json
import random
import unittest

from own_network import OwnNetwork

SEED = 5
SOILS = ["clay", "sand", "loam"]


def fields(count, draw):
    """Leaves spot where it is wet, unless the soil is sand; they wilt where it is dry."""
    for _ in range(count):
        rain, soil = draw.uniform(0, 200), draw.choice(SOILS)
        disease = "wilt" if rain < 60 else "none" if soil == "sand" or rain < 110 else "spots"
        yield ["" if draw.random() < 0.03 else f"{rain:.1f}", soil, disease]


def table(path, rows):
    path.write_text("rain,soil,disease\n" + "".join(",".join(row) + "\n" for row in rows))


def verses(count, draw):
    words = ["o milho", "a chuva", "a horta", "planta", "colhe", "reparte", "a vizinha", "depois"]
    return "".join(" ".join(draw.choice(words) for _ in range(6)) + ".\n" for _ in range(count))


class Kinds(OwnNetwork):
    nodes = 4
    trainers = 2
    people = ("ana", "rui", "mestra")

    def put(self, name, wallet):
        self.network.run("put", self.path / name, "--wallet", wallet)

    def train(self, title, rounds, model, objects):
        """A run of these objects; the path of its checkpoint."""
        plan = self.path / f"{title}.toml"
        data = "".join(f'[[data]]\nobject = "{name}"\nwallet = "{wallet}"\n'
                       for name, wallet in objects)
        plan.write_text(f'title = "{title}"\nwallet = "mestra"\nreward = "1"\n'
                        f'[training]\nrounds = {rounds}\nbatch = 16\nlocal_steps = 15\n'
                        f'[model]\n{model}\n[offers]\nat_least = {len(objects)}\n{data}')
        facts = self.network.run("train", plan)
        checkpoint = self.path / f"{title}.safetensors"
        self.network.run("get", checkpoint.name, "--wallet", "mestra", "-o", checkpoint)
        return facts, checkpoint

    def model(self, *words):
        return self.network.run("model", *words)

    def test_farmers_learn_which_disease_a_field_has(self):
        draw = random.Random(SEED)
        for name, wallet in (("ana.csv", "ana"), ("rui.csv", "rui")):
            table(self.path / name, fields(400, draw))
            self.put(name, wallet)
        _, checkpoint = self.train("doencas", 5, 'kind = "table"\nfeatures = 8\noutputs = 3',
                                   [("ana.csv", "ana"), ("rui.csv", "rui")])
        questions = list(fields(60, draw))
        table(self.path / "novo.csv", questions)
        told = self.model("predict", checkpoint, self.path / "novo.csv")
        self.assertEqual(told["column"], "disease")
        answers = [each["answer"] for each in told["answers"]]
        right = sum(answer == row[2] for answer, row in zip(answers, questions, strict=True))
        # The commonest of the three has about 43 %.
        self.assertGreater(right, 0.8 * len(questions), f"seed {SEED}")

    def test_a_text_model_in_pieces_is_fine_tuned_with_adapters(self):
        draw = random.Random(SEED)
        for name, wallet in (("um.txt", "ana"), ("dois.txt", "rui")):
            (self.path / name).write_text(verses(700, draw))
            self.put(name, wallet)
        shape = "layers = 1\nwidth = 32\nheads = 2\ncontext = 16\nvocabulary = 320"
        _, base = self.train("base", 3, shape, [("um.txt", "ana")])
        digest = self.model("show", base)["digest"]
        facts, adapter = self.train(
            "afinado", 2, f'{shape}\nbase = "{digest}"\nlora_rank = 4',
            [("dois.txt", "rui"), ("base.safetensors", "mestra")])
        self.assertEqual(self.model("show", adapter)["lora_base"], digest)
        whole = self.path / "whole.safetensors"
        self.model("merge", base, adapter, "-o", whole)
        self.assertLess(adapter.stat().st_size, base.stat().st_size)
        text = self.model("ask", whole, "a vizinha", "--temperature", 0)["text"]
        self.assertTrue(text)
        self.model("export", whole, "-o", self.path / "hf")
        config = json.loads((self.path / "hf/config.json").read_text())
        self.assertEqual(config["vocab_size"], 320)


if __name__ == "__main__":
    unittest.main()

"""Two processes train one model, and so does one alone: the same parameters, a falling loss.

Usage: check_stages.py PROGRAM

The settings are the bytes of the corpus seed `mutirao`, a GPT of two layers.
"""
import pathlib
import socket
import subprocess
import sys
import tempfile

STEPS, MICRO_BATCHES, PATIENCE_S = 12, 4, 60
SEED = pathlib.Path(__file__).parents[2] / "corpus/train_settings_fuzz/mutirao"


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def train(program, stages, codec, text):
    """The words that each stage printed, first stage first."""
    addresses = [free_address() for _ in range(stages)]
    processes = [
        subprocess.Popen([program, str(stage), str(STEPS), str(MICRO_BATCHES), codec,
                          SEED.read_bytes().hex(), text, *addresses],
                         stdout=subprocess.PIPE, text=True)
        for stage in range(stages)]
    try:
        outputs = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    for process in processes:
        assert process.returncode == 0, process.returncode
    return [output.split() for output in outputs]


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text"
        text.write_bytes(b"".join(b"linha %d de um texto que se repete\n" % (i % 500)
                                  for i in range(5000)))
        alone = train(program, 1, "float32", str(text))
        exact = train(program, 2, "float32", str(text))
        coded = train(program, 2, "int8", str(text))
    first, last = map(float, alone[0][2:])
    print("one process      loss %.6f -> %.6f" % (first, last))
    for name, words in (("two, float32", exact), ("two, int8", coded)):
        print("%-16s loss %s -> %s, waiting %s and %s of the time" %
              (name, *words[1][2:], words[0][1], words[1][1]))
    assert last < first - 1, "the loss does not fall"
    assert exact[1][2:] == alone[0][2:], "two processes learn something else than one"
    assert abs(float(coded[1][3]) - last) < 0.05, "8-bit activations cost too much"


main()

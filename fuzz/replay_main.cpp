// Replays a corpus folder through a fuzz target in an ordinary build, then mutates each input and
// adds random ones from a fixed seed, so that every parser meets garbage in every test run.
// Usage: TARGET CORPUS_FOLDER   (an absent folder counts as an empty one)
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;
constexpr int kMutationsPerInput = 200;
constexpr int kRandomInputs = 2000;
constexpr std::size_t kRandomSizeMax = 512;

void run(const Input& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

void mutate_and_run(Input input, std::mt19937_64& random) {
    if (input.empty()) return run(input);
    switch (random() % 4) {
        case 0:
            input[random() % input.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
            break;
        case 1: input.resize(random() % input.size()); break;
        case 2:
            input.insert(input.end(), random() % 64, static_cast<std::uint8_t>(random()));
            break;
        default: input[random() % input.size()] = static_cast<std::uint8_t>(random()); break;
    }
    run(input);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    std::vector<Input> corpus{{}};
    if (std::filesystem::is_directory(argv[1]))
        for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
            std::ifstream file(entry.path(), std::ios::binary);
            corpus.emplace_back(std::istreambuf_iterator<char>(file),
                                std::istreambuf_iterator<char>());
        }
    std::mt19937_64 random(1);
    for (const auto& input : corpus) {
        run(input);
        for (int i = 0; i < kMutationsPerInput; ++i) mutate_and_run(input, random);
    }
    for (int i = 0; i < kRandomInputs; ++i) {
        Input input(random() % kRandomSizeMax);
        for (auto& byte : input) byte = static_cast<std::uint8_t>(random());
        run(input);
    }
    std::printf("%zu corpus inputs replayed and mutated, %d random ones\n", corpus.size() - 1,
                kRandomInputs);
    return 0;
}

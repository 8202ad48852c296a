// Serves an object of three shards as a node does, and reads it as a program beside that node
// would: through include/mutirao/hot.h, in place, without a copy. Here both are one process.
#include <cstdio>
#include <cstdlib>
#include <mutirao/hot.h>
#include <string>
#include <unistd.h>

#include "hot/local_door.hpp"
#include "os/random.hpp"
#include "os/shared_memory.hpp"
#include "os/thread_pool.hpp"

using namespace mutirao;

namespace {

const std::string kText[] = {"Quem faz ", "mutirão, ", "colhe junto."};

// What a real node gets from keepers and storage nodes.
class Proverb final : public hot::OpenObject, public hot::Opener {
  public:
    Result<std::shared_ptr<hot::OpenObject>> open(ByteSpan) override {
        return std::shared_ptr<hot::OpenObject>(std::make_shared<Proverb>());
    }
    Digest content() const override { return {{1}}; }
    Result<Bytes> manifest() const override { return Bytes(); }
    std::uint32_t shards() const override { return 3; }
    BlockId block(std::uint32_t index) const override {
        return {{static_cast<std::uint8_t>(index)}};
    }
    std::uint64_t size(std::uint32_t index) const override { return kText[index].size(); }
    Result<Bytes> read_sealed(std::uint32_t index) override {
        return to_bytes(as_bytes(kText[index]));
    }
    Result<Bytes> open_sealed(std::uint32_t, ByteSpan sealed) override { return to_bytes(sealed); }
};

}  // namespace

int main() {
    os::SystemClock clock;
    os::SystemRandom random;
    os::MemfdMemory memory;
    os::ThreadPool executor(1, 16);
    Proverb proverb;
    hot::ShardStore store(memory, nullptr, executor);
    hot::ReadTable reads(proverb, store, clock, random);
    hot::LocalDoor door(reads, {});
    std::string folder = "/tmp/mutirao-hot-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    auto server = os::LocalServer::start(folder + "/hot.sock", door).value();

    const auto reader = HotReader::connect(folder + "/hot.sock").value();
    const auto object = reader->open(as_bytes("a signed rights::KeyRequest")).value();
    std::string text;
    for (std::uint32_t i = 0; i < object->shards(); ++i)
        text += as_text(object->map(i).value().bytes());
    std::printf("mapped %u shards, read in place: %s\n", object->shards(), text.c_str());
    server.reset();  // takes its socket with it
    ::rmdir(folder.c_str());
    return 0;
}

#include "node/hot_opener.hpp"

namespace mutirao::node {
namespace {

// What is kept of a shard below memory: block::Header::encode(), then the ciphertext.
class KeyedObject final : public hot::OpenObject {
  public:
    KeyedObject(Directory& directory, publish::Retriever& retriever, KeyShares::Opened opened)
        : directory_(directory),
          retriever_(retriever),
          manifest_(std::move(opened.manifest)),
          key_(opened.key),
          content_(manifest_.content()) {}

    Digest content() const override { return content_; }
    std::uint32_t shards() const override {
        return static_cast<std::uint32_t>(manifest_.blocks.size());
    }
    BlockId block(std::uint32_t index) const override { return manifest_.blocks[index].id; }
    std::uint64_t size(std::uint32_t index) const override {
        return manifest_.blocks[index].plain_size;
    }
    Result<Bytes> manifest() const override { return manifest_.encode(); }

    Result<Bytes> read_sealed(std::uint32_t index) override {
        const auto& block = manifest_.blocks[index];
        TRY(const auto committee, directory_.committee_of(block.id));
        auto read = manifest_.packed_at
                        ? retriever_.read_range(block.id, committee, *manifest_.packed_at,
                                                crypto::sealed_size(block.plain_size))
                        : retriever_.read(block.id, committee);
        if (!read.ok()) return std::move(read).error();
        auto out = read->header.encode();
        out.insert(out.end(), read->content.begin(), read->content.end());
        return out;
    }
    Result<Bytes> open_sealed(std::uint32_t index, ByteSpan sealed) override {
        if (sealed.size() < block::Header::kSize)
            return Error{ErrorKind::corrupt, "a shard's ciphertext has no header"};
        TRY(const auto header, block::Header::decode(sealed.first(block::Header::kSize)));
        return publish::open_block_content(manifest_, index, header,
                                           sealed.subspan(block::Header::kSize), key_,
                                           retriever_.threads());
    }

  private:
    Directory& directory_;
    publish::Retriever& retriever_;
    const publish::Manifest manifest_;
    const crypto::Key key_;
    const Digest content_;
};

}  // namespace

Result<std::shared_ptr<hot::OpenObject>> KeeperOpener::open(ByteSpan credential) {
    TRY(const auto request, rights::KeyRequest::decode(credential));
    TRY(const auto keepers, directory_.keepers());
    TRY(auto opened, keys_.open(request, identity_.box, keepers));
    return std::shared_ptr<hot::OpenObject>(
        std::make_shared<KeyedObject>(directory_, retriever_, std::move(opened)));
}

}  // namespace mutirao::node

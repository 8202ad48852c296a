#include "dataset/images.hpp"

#include <algorithm>
#include <zlib.h>

namespace mutirao::dataset {

namespace {

constexpr std::string_view kMagic = "MUTIMG";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kClassNameMax = 256;
constexpr std::uint32_t kIdxPictures = 0x803, kIdxLabels = 0x801;
constexpr std::size_t kGunzipPart = 1 << 16;
constexpr int kGzipWindow = 15 + 16;  // zlib's sign for a gzip header

Error broken(std::string reason) { return {ErrorKind::corrupt, "pictures: " + std::move(reason)}; }

Status check_head(const ImageSet& set, std::uint64_t examples_size) {
    const auto side = model::kImageSideMax;
    if (set.height < 1 || set.height > side || set.width < 1 || set.width > side)
        return broken("they are " + std::to_string(set.height) + " by " +
                      std::to_string(set.width) + ", not 1 to " + std::to_string(side));
    if (set.channels != 1 && set.channels != 3)
        return broken("they have " + std::to_string(set.channels) + " channels, not 1 or 3");
    if (set.classes.size() < 2 || set.classes.size() > model::kClassesMax)
        return broken("there are " + std::to_string(set.classes.size()) + " classes, not 2 to " +
                      std::to_string(model::kClassesMax));
    if (examples_size == 0 || examples_size % set.example_size() != 0)
        return broken("the last one is cut off, or there is none");
    return {};
}

Status check(const ImageSet& set) {
    TRY_VOID(check_head(set, set.examples.size()));
    const auto size = set.example_size();
    for (auto at = size - 1; at < set.examples.size(); at += size)
        if (set.examples[at] >= set.classes.size())
            return broken("number " + std::to_string(at / size) + " is of class " +
                          std::to_string(set.examples[at]) + ", of which there is no name");
    return {};
}

Result<std::uint32_t> big_endian(Reader& reader) {
    TRY(const auto bytes, reader.raw(4));
    return static_cast<std::uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

}  // namespace

Bytes ImageSet::encode() const {
    Writer out;
    out.raw(as_bytes(kMagic)).u(kVersion).u(height).u(width).u(channels);
    out.u(static_cast<std::uint16_t>(classes.size()));
    for (const auto& name : classes) out.text(name);
    out.raw(examples);
    return std::move(out).take();
}

Result<ImageSet> ImageSet::decode(ByteSpan bytes) {
    TRY(auto head, decode_head(bytes, bytes.size()));
    head.set.examples = to_bytes(bytes.subspan(head.examples_at));
    TRY_VOID(check(head.set));
    return std::move(head.set);
}

Result<ImageSet::Head> ImageSet::decode_head(ByteSpan start, std::uint64_t size) {
    Reader reader(start);
    TRY(const auto magic, reader.raw(kMagic.size()));
    TRY(const auto version, reader.u<std::uint8_t>());
    if (as_text(magic) != kMagic || version != kVersion)
        return broken("this is no file of labelled pictures (mutirao model images makes one)");
    ImageSet set;
    for (auto* field : {&set.height, &set.width, &set.channels}) {
        TRY(*field, reader.u<std::uint32_t>());
    }
    TRY(const auto classes, reader.u<std::uint16_t>());
    if (classes > model::kClassesMax) return broken("too many classes");
    for (std::uint16_t i = 0; i < classes; ++i) {
        TRY(auto name, reader.text(kClassNameMax));
        set.classes.push_back(std::move(name));
    }
    if (reader.offset() > size) return broken("the file ends before its pictures");
    TRY_VOID(check_head(set, size - reader.offset()));
    return Head{std::move(set), reader.offset()};
}

Result<ImageSet> read_idx(ByteSpan pictures, ByteSpan labels, std::vector<std::string> names) {
    TRY(const auto pixels_file, gunzipped(pictures, kImageSetMax));
    TRY(const auto labels_file, gunzipped(labels, kImageSetMax));
    Reader pixels(pixels_file), answers(labels_file);
    TRY(const auto magic, big_endian(pixels));
    TRY(const auto labels_magic, big_endian(answers));
    if (magic != kIdxPictures) return broken("the first file is no IDX file of pictures");
    if (labels_magic != kIdxLabels) return broken("the second file is no IDX file of labels");
    ImageSet set;
    TRY(const auto count, big_endian(pixels));
    TRY(set.height, big_endian(pixels));
    TRY(set.width, big_endian(pixels));
    TRY(const auto labelled, big_endian(answers));
    if (count != labelled)
        return broken(std::to_string(count) + " of them, and " + std::to_string(labelled) +
                      " labels");
    const auto side = std::uint64_t{model::kImageSideMax};
    if (set.height > side || set.width > side) return broken("they are too large");
    const std::size_t size = std::size_t{set.height} * set.width;
    if (size == 0 || pixels.remaining() != count * size || answers.remaining() != count)
        return broken("a file is not as long as its header says");
    set.examples.reserve(count * (size + 1));
    std::uint8_t highest = 1;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(const auto picture, pixels.raw(size));
        TRY(const auto label, answers.u<std::uint8_t>());
        set.examples.insert(set.examples.end(), picture.begin(), picture.end());
        set.examples.push_back(label);
        highest = std::max(highest, label);
    }
    set.classes = std::move(names);
    if (set.classes.empty())
        for (unsigned i = 0; i <= highest; ++i) set.classes.push_back(std::to_string(i));
    TRY_VOID(check(set));
    return set;
}

Result<Bytes> gunzipped(ByteSpan bytes, std::size_t size_max) {
    if (bytes.size() < 2 || bytes[0] != 0x1F || bytes[1] != 0x8B) return to_bytes(bytes);
    if (bytes.size() > size_max) return broken("the gzip file is too large");
    z_stream stream{};
    if (inflateInit2(&stream, kGzipWindow) != Z_OK)
        return Error{ErrorKind::resource_exhausted, "zlib: not enough memory"};
    stream.next_in = const_cast<std::uint8_t*>(bytes.data());  // zlib does not write there
    stream.avail_in = static_cast<unsigned>(bytes.size());
    Bytes out;
    int state = Z_OK;
    while (state == Z_OK && out.size() <= size_max) {
        const auto had = out.size();
        out.resize(had + kGunzipPart);
        stream.next_out = out.data() + had;
        stream.avail_out = kGunzipPart;
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(had + kGunzipPart - stream.avail_out);
    }
    inflateEnd(&stream);
    if (out.size() > size_max) return broken("the gzip file holds too much");
    if (state != Z_STREAM_END) return broken("the gzip file is damaged or cut off");
    return out;
}

}  // namespace mutirao::dataset

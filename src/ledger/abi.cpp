#include "ledger/abi.hpp"

#include <map>

#include "crypto/hash.hpp"

namespace mutirao::ledger::abi {
namespace {

std::array<std::uint8_t, kWord> word_of(u128 value) {
    std::array<std::uint8_t, kWord> word{};
    for (std::size_t i = kWord; value != 0; value >>= 8)
        word[--i] = static_cast<std::uint8_t>(value);
    return word;
}

Error malformed(const std::string& why) {
    return {ErrorKind::corrupt, "malformed call data: " + why};
}

bool all_zero(ByteSpan bytes) {
    for (const auto byte : bytes)
        if (byte != 0) return false;
    return true;
}

Result<u128> number_in(ByteSpan word) {
    if (!all_zero(word.first(16))) return malformed("a number over 2^128-1");
    u128 out = 0;
    for (const auto byte : word.subspan(16)) out = out << 8 | byte;
    return out;
}

Result<Address> address_in(ByteSpan word) {
    if (!all_zero(word.first(12))) return malformed("an address with more than 20 bytes");
    return Address::from_bytes(word.subspan(12));
}

Result<std::uint64_t> number64_in(ByteSpan word) {
    TRY(auto value, number_in(word));
    if (value >> 64 != 0) return malformed("a number over 2^64-1");
    return static_cast<std::uint64_t>(value);
}

// Well-formed UTF-8 (Unicode 15, table 3-7), so that whoever prints a record's text may trust it.
bool is_utf8(ByteSpan text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = text[i++];
        if (lead < 0x80) continue;
        if (lead < 0xc2 || lead > 0xf4) return false;
        const std::size_t more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (text.size() - i < more) return false;
        const std::uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (text[i] < least || text[i] > most) return false;
        for (std::size_t j = 1; j < more; ++j)
            if (text[i + j] < 0x80 || text[i + j] > 0xbf) return false;
        i += more;
    }
    return true;
}

std::size_t padded(std::size_t size) { return (size + kWord - 1) / kWord * kWord; }

}  // namespace

// Callers name the same few signatures for every call of a module.
std::uint32_t selector(std::string_view signature) {
    thread_local std::map<std::string, std::uint32_t, std::less<>> known;
    const auto at = known.find(signature);
    if (at != known.end()) return at->second;
    const auto out = *selector_of(crypto::keccak256(as_bytes(signature)).span());
    known.emplace(signature, out);
    return out;
}

std::optional<std::uint32_t> selector_of(ByteSpan call) {
    if (call.size() < kSelectorSize) return std::nullopt;
    std::uint32_t out = 0;
    for (const auto byte : call.first(kSelectorSize)) out = out << 8 | byte;
    return out;
}

Bytes words(std::initializer_list<u128> values) {
    Bytes out;
    for (const auto value : values) {
        const auto word = word_of(value);
        out.insert(out.end(), word.begin(), word.end());
    }
    return out;
}

Writer::Writer(std::string_view signature) {
    const auto id = selector(signature);
    for (int shift = 24; shift >= 0; shift -= 8)
        selector_.push_back(static_cast<std::uint8_t>(id >> shift));
}

Writer& Writer::number(u128 value) {
    arguments_.push_back({word_of(value), {}, false});
    return *this;
}

Writer& Writer::address(const Address& value) {
    Argument argument;
    std::copy(value.bytes.begin(), value.bytes.end(), argument.word.begin() + 12);
    arguments_.push_back(std::move(argument));
    return *this;
}

Writer& Writer::bytes32(ByteSpan value) {
    ENSURE(value.size() == kWord);
    Argument argument;
    std::copy(value.begin(), value.end(), argument.word.begin());
    arguments_.push_back(std::move(argument));
    return *this;
}

void Writer::dynamic(std::size_t count, ByteSpan content) {
    Argument argument;
    argument.has_tail = true;
    const auto length = word_of(count);
    argument.tail.assign(length.begin(), length.end());
    argument.tail.insert(argument.tail.end(), content.begin(), content.end());
    argument.tail.resize(padded(argument.tail.size()), 0);
    arguments_.push_back(std::move(argument));
}

Writer& Writer::bytes(ByteSpan value) {
    dynamic(value.size(), value);
    return *this;
}

Writer& Writer::addresses(const std::vector<Address>& values) {
    Bytes words(values.size() * kWord, 0);
    for (std::size_t i = 0; i < values.size(); ++i)
        std::copy(values[i].bytes.begin(), values[i].bytes.end(),
                  words.begin() + static_cast<std::ptrdiff_t>(i * kWord + 12));
    dynamic(values.size(), words);
    return *this;
}

Writer& Writer::bytes32s(const std::vector<Digest>& values) {
    Bytes words;
    for (const auto& value : values)
        words.insert(words.end(), value.bytes.begin(), value.bytes.end());
    dynamic(values.size(), words);
    return *this;
}

Writer& Writer::numbers(const std::vector<std::uint64_t>& values) {
    Bytes words;
    for (const auto value : values) {
        const auto word = word_of(value);
        words.insert(words.end(), word.begin(), word.end());
    }
    dynamic(values.size(), words);
    return *this;
}

Writer& Writer::bytes_list(const std::vector<Bytes>& values) {
    // Offsets from behind the count, then each with its length.
    Bytes offsets, tails;
    for (const auto& value : values) {
        const auto offset = word_of(values.size() * kWord + tails.size());
        offsets.insert(offsets.end(), offset.begin(), offset.end());
        const auto length = word_of(value.size());
        tails.insert(tails.end(), length.begin(), length.end());
        tails.insert(tails.end(), value.begin(), value.end());
        tails.resize(padded(tails.size()), 0);
    }
    offsets.insert(offsets.end(), tails.begin(), tails.end());
    dynamic(values.size(), offsets);
    return *this;
}

Bytes Writer::take() && {
    Bytes out = std::move(selector_);
    std::size_t tail_at = arguments_.size() * kWord;
    for (const auto& argument : arguments_) {
        const auto word = argument.has_tail ? word_of(tail_at) : argument.word;
        out.insert(out.end(), word.begin(), word.end());
        tail_at += argument.tail.size();
    }
    for (const auto& argument : arguments_)
        out.insert(out.end(), argument.tail.begin(), argument.tail.end());
    return out;
}

Result<ByteSpan> Reader::word_at(std::size_t offset) const {
    if (offset > data_.size() || data_.size() - offset < kWord) return malformed("cut short");
    return data_.subspan(offset, kWord);
}

Result<ByteSpan> Reader::head() {
    TRY(auto word, word_at(at_));
    at_ += kWord;
    return word;
}

Result<u128> Reader::number() {
    TRY(auto word, head());
    return number_in(word);
}

Result<std::uint64_t> Reader::number64() {
    TRY(auto word, head());
    return number64_in(word);
}

Result<std::uint32_t> Reader::number32() {
    TRY(auto value, number64());
    if (value >> 32 != 0) return malformed("a number over 2^32-1");
    return static_cast<std::uint32_t>(value);
}

Result<Address> Reader::address() {
    TRY(auto word, head());
    return address_in(word);
}

Result<Digest> Reader::bytes32() {
    TRY(auto word, head());
    return Digest::from_bytes(word);
}

Result<std::pair<std::size_t, std::size_t>> Reader::tail_at(std::size_t offset,
                                                            std::size_t max_count) const {
    TRY(auto length, word_at(offset));
    TRY(auto count, number64_in(length));
    if (count > max_count)
        return malformed("a length of " + std::to_string(count) + " is over the limit of " +
                         std::to_string(max_count));
    return std::pair<std::size_t, std::size_t>(offset + kWord, count);
}

Result<std::pair<std::size_t, std::size_t>> Reader::tail(std::size_t max_count) {
    TRY(auto offset, number64());
    return tail_at(offset, max_count);
}

Result<Bytes> Reader::bytes_at(std::size_t offset, std::size_t max_size) const {
    TRY(auto place, tail_at(offset, max_size));
    const auto [begin, size] = place;
    if (data_.size() - begin < padded(size)) return malformed("cut short");
    if (!all_zero(data_.subspan(begin + size, padded(size) - size)))
        return malformed("padding is not zero");
    return to_bytes(data_.subspan(begin, size));
}

Result<Bytes> Reader::bytes(std::size_t max_size) {
    TRY(auto offset, number64());
    return bytes_at(offset, max_size);
}

Result<std::string> Reader::text(std::size_t max_size) {
    TRY(auto raw, bytes(max_size));
    if (!is_utf8(raw)) return malformed("a text that is not UTF-8");
    return std::string(as_text(raw));
}

template <class T, class Read>
Result<std::vector<T>> Reader::array_at(std::pair<std::size_t, std::size_t> place,
                                        Read read) const {
    std::vector<T> out;
    for (std::size_t i = 0; i < place.second; ++i) {
        TRY(auto word, word_at(place.first + i * kWord));
        TRY(auto value, read(word));
        out.push_back(std::move(value));
    }
    return out;
}

template <class T, class Read>
Result<std::vector<T>> Reader::array(std::size_t max_count, Read read) {
    TRY(auto place, tail(max_count));
    return array_at<T>(place, read);
}

Result<std::vector<Address>> Reader::addresses(std::size_t max_count) {
    return array<Address>(max_count, [](ByteSpan word) { return address_in(word); });
}

Result<std::vector<Digest>> Reader::bytes32s(std::size_t max_count) {
    return array<Digest>(max_count, [](ByteSpan word) { return Digest::from_bytes(word); });
}

Result<std::vector<std::uint64_t>> Reader::numbers(std::size_t max_count) {
    return array<std::uint64_t>(max_count, [](ByteSpan word) { return number64_in(word); });
}

Result<std::vector<Bytes>> Reader::bytes_list(std::size_t max_count, std::size_t max_size) {
    TRY(auto place, tail(max_count));
    const auto begin = place.first;
    return array_at<Bytes>(place, [&](ByteSpan word) -> Result<Bytes> {
        TRY(auto offset, number64_in(word));
        if (offset > data_.size()) return malformed("cut short");
        return bytes_at(begin + offset, max_size);
    });
}

}  // namespace mutirao::ledger::abi

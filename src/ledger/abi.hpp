// The Solidity contract ABI (https://docs.soliditylang.org/en/latest/abi-spec.html), for the types
// that the native modules use: 32-byte words, bytes, string, and arrays of words or bytes. Pure;
// any thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger::abi {

inline constexpr std::size_t kWord = 32;

// The first four bytes of keccak256("name(type,...)").
std::uint32_t selector(std::string_view signature);
inline constexpr std::size_t kSelectorSize = 4;
// Of the method that a call's data begin with; nothing when they are too short to name one.
std::optional<std::uint32_t> selector_of(ByteSpan call);

// Numbers as consecutive words, without a selector: an event's data.
Bytes words(std::initializer_list<u128> values);

// The arguments of one call, in order.
class Writer {
  public:
    explicit Writer(std::string_view signature);
    Writer& number(u128 value);
    Writer& address(const Address& value);
    Writer& bytes32(ByteSpan value);  // exactly 32 bytes
    Writer& bytes(ByteSpan value);    // dynamic bytes or string
    Writer& addresses(const std::vector<Address>& values);
    Writer& bytes32s(const std::vector<Digest>& values);
    Writer& numbers(const std::vector<std::uint64_t>& values);
    Writer& bytes_list(const std::vector<Bytes>& values);
    Bytes take() &&;

  private:
    using Word = std::array<std::uint8_t, kWord>;
    void dynamic(std::size_t count, ByteSpan words);

    struct Argument {
        Word word{};  // the value, unless there is a tail
        Bytes tail;
        bool has_tail = false;
    };
    Bytes selector_;
    std::vector<Argument> arguments_;
};

// Reads arguments in order. Refuses (corrupt) words that are wider than their type, padding that is
// not zero, offsets and lengths outside the data, lengths over the given limits, and text that is
// not UTF-8.
class Reader {
  public:
    explicit Reader(ByteSpan arguments) : data_(arguments) {}
    Result<u128> number();
    Result<std::uint64_t> number64();
    Result<std::uint32_t> number32();
    Result<Address> address();
    Result<Digest> bytes32();
    Result<Bytes> bytes(std::size_t max_size);
    Result<std::string> text(std::size_t max_size);
    Result<std::vector<Address>> addresses(std::size_t max_count);
    Result<std::vector<Digest>> bytes32s(std::size_t max_count);
    Result<std::vector<std::uint64_t>> numbers(std::size_t max_count);
    Result<std::vector<Bytes>> bytes_list(std::size_t max_count, std::size_t max_size);

  private:
    Result<ByteSpan> word_at(std::size_t offset) const;
    Result<ByteSpan> head();
    // Where a tail begins behind its length, and the length.
    Result<std::pair<std::size_t, std::size_t>> tail_at(std::size_t offset,
                                                        std::size_t max_count) const;
    // The next argument's.
    Result<std::pair<std::size_t, std::size_t>> tail(std::size_t max_count);
    Result<Bytes> bytes_at(std::size_t offset, std::size_t max_size) const;
    template <class T, class Read>
    Result<std::vector<T>> array_at(std::pair<std::size_t, std::size_t> place, Read read) const;
    template <class T, class Read>
    Result<std::vector<T>> array(std::size_t max_count, Read read);

    ByteSpan data_;
    std::size_t at_ = 0;
};

}  // namespace mutirao::ledger::abi

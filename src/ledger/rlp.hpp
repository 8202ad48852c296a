// Recursive length prefix, Ethereum's serialisation (yellow paper, appendix B). The reader accepts
// only what the writer would have written. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "ledger/amount.hpp"

namespace mutirao::ledger::rlp {

class Writer {
  public:
    Writer& bytes(ByteSpan value);
    Writer& number(u128 value);     // big-endian without leading zeros
    Writer& raw(ByteSpan encoded);  // items that are encoded already
    Bytes take() && { return std::move(out_); }
    const Bytes& view() const { return out_; }

  private:
    Bytes out_;
};

// A list around items that are encoded already.
Bytes list(ByteSpan items);
void append_list(Bytes& out, ByteSpan items);

// Reads the items of a list's payload one after another. Borrowed bytes must outlive it. Errors are
// corrupt.
class Reader {
  public:
    explicit Reader(ByteSpan items) : rest_(items) {}
    Result<ByteSpan> bytes();
    Result<Reader> list();
    Result<u128> number();  // refuses leading zeros and values over 2^128-1
    bool done() const { return rest_.empty(); }
    Status finish() const;

  private:
    Result<ByteSpan> item(bool is_list);
    ByteSpan rest_;
};

}  // namespace mutirao::ledger::rlp

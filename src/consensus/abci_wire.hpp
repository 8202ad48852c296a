// The bytes of ABCI's socket: protobuf messages (fields of varints and byte strings), each after
// its length as a varint. By hand, because consensus knows no generated messages, and the few
// fields that we read are less than a generator's output (protobuf.dev/programming-guides/encoding,
// CometBFT spec/abci/abci++_client_server.md). Pure; one thread at a time.
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.hpp"

namespace mutirao::consensus {

inline constexpr std::size_t kAbciFrameMax = 16 << 20;  // a block and its commit fit many times

struct WireField {
    std::uint32_t number = 0;
    bool is_bytes = false;    // else a varint
    std::uint64_t value = 0;  // of a varint
    ByteSpan bytes;           // borrowed from the message
};

// Calls `visit` for each field, in order; fixed32 and fixed64 are skipped. corrupt when the bytes
// are no message.
Status each_field(ByteSpan message, const std::function<void(const WireField&)>& visit);

void append_varint(Bytes& out, std::uint64_t value);

// Builds a message. Zero values and empty strings are left out, as proto3 does.
class WireWriter {
  public:
    WireWriter& number(std::uint32_t field, std::uint64_t value);
    WireWriter& bytes(std::uint32_t field, ByteSpan value);
    WireWriter& text(std::uint32_t field, std::string_view value) {
        return bytes(field, as_bytes(value));
    }
    // A message or an element of a list: written when empty, too.
    WireWriter& element(std::uint32_t field, ByteSpan value);
    Bytes take() { return std::move(out_); }

  private:
    Bytes out_;
};

// Length and message, as they go over the socket.
Bytes abci_frame(ByteSpan message);

// Cuts what arrives in pieces into messages.
class AbciFrames {
  public:
    void feed(ByteSpan bytes);
    // The next whole message; nothing while it is incomplete. After an error (corrupt: no length,
    // or one beyond kAbciFrameMax) the connection must be closed.
    Result<std::optional<Bytes>> next();

  private:
    Bytes buffer_;
    std::size_t at_ = 0;  // what is before was handed out
};

}  // namespace mutirao::consensus

// How both ends set up HTTP/2. Private to net: includes gRPC.
#pragma once

#include <array>
#include <grpc/grpc.h>

#include "net/grpc_network.hpp"

namespace mutirao::net {

struct TransportSetting {
    const char* key;
    int value;
};

// Every message is read whole before it is used, so flow control inside one message saves nothing:
// the window holds the largest. With gRPC's own bandwidth probing instead, about one in ten first
// calls of 32 MiB waited 10 s for the next probe to carry a window update (gRPC 1.51, measured).
inline constexpr std::array kTransportSettings{
    TransportSetting{GRPC_ARG_HTTP2_BDP_PROBE, 0},
    TransportSetting{GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, static_cast<int>(kMessageBytesMax)},
    TransportSetting{GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20},
    TransportSetting{GRPC_ARG_TCP_READ_CHUNK_SIZE, 256 << 10},
};

}  // namespace mutirao::net

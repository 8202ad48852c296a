// Mutirão's hot shards, read in place by a program on the same machine as a node.
//
//   HotReader::connect   to the "hot.sock" in a compute, trainer or gateway node's folder
//   reader->open         an object, with a signed rights::KeyRequest whose reply_to is box_key()
//   object->map(i)       shard i as a span of bytes; after the first time without any call
//
// Only processes of the node's own user are served. Errors are values (Result). Any thread may call
// anything. Link mutirao::hot_reader. How to: docs/how-to/read-from-memory.md.
#pragma once

#include "hot/local_reader.hpp"
#include "os/clock.hpp"
#include "os/local_socket.hpp"

namespace mutirao {

using hot::MappedShard;
using HotObject = hot::LocalObject;

class HotReader {
  public:
    // unavailable when no node serves there; permission_denied when another user's does.
    static Result<std::unique_ptr<hot::LocalReader>> connect(const std::string& socket_path) {
        static os::SystemClock clock;
        TRY(auto line, os::connect_local(socket_path));
        return hot::LocalReader::greet(std::move(line), clock);
    }
};

}  // namespace mutirao

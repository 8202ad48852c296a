// A Redis of our own, if Debian's redis-server is there: on a UNIX socket in a folder, without a
// TCP port, keeping nothing on disk. It ends with this.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "os/descriptor.hpp"
#include "os/process.hpp"

namespace mutirao::bench {

class Redis {
  public:
    // not_found when there is no redis-server; unavailable when it does not answer.
    static Result<std::unique_ptr<Redis>> start(const std::string& folder);

    Status set(std::string_view key, ByteSpan value);
    // GET, or GETRANGE from `offset`, of exactly out.size() bytes.
    Status get(std::string_view key, MutableByteSpan out);
    Status get_range(std::string_view key, std::size_t offset, MutableByteSpan out);

  private:
    Redis(os::Process process, os::Descriptor socket)
        : process_(std::move(process)), socket_(std::move(socket)) {}
    Status send(std::string_view head, ByteSpan body);
    Status receive_line(std::string& line);
    Status receive(MutableByteSpan out);
    Status receive_bulk(MutableByteSpan out);

    os::Process process_;
    os::Descriptor socket_;
    std::string read_;  // what came in and was not asked for yet
};

}  // namespace mutirao::bench

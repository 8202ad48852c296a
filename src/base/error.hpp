// Errors are values. An Error says what kind of failure it was, from one short list that every room
// shares, and carries one sentence written for the person who will read it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mutirao {

enum class ErrorKind {
    invalid_argument,    // the caller's input is wrong; retrying the same call cannot succeed
    not_found,           // the named thing does not exist here
    already_exists,      // it was done before; nothing changed now
    permission_denied,   // a signature, password, key or licence does not allow it
    insufficient_funds,  // the wallet cannot pay
    resource_exhausted,  // a disk, quota or queue is full
    unavailable,         // a peer or a quorum cannot be reached; trying later may succeed
    timeout,             // the deadline passed
    corrupt,             // stored or received bytes are not what they were committed to be
    unimplemented,       // not built yet; the sentence names what
    io,                  // the operating system refused
};

// The kind's stable lower-case name, for logs and --json output.
std::string_view to_string(ErrorKind kind);

struct Error {
    ErrorKind kind;
    std::string message;  // a sentence with the names and numbers that the reader needs

    // The same error with `where` put in front: "where: message".
    Error within(std::string_view where) &&;
};

inline bool operator==(const Error& a, const Error& b) {
    return a.kind == b.kind && a.message == b.message;
}

}  // namespace mutirao

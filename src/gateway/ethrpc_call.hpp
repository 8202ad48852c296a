// JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one call or a batch of them, from untrusted
// text, and answers. Pure; any thread.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace mutirao::gateway {

inline constexpr std::size_t kRpcBodyMax = 5 << 20;     // bytes of a request
inline constexpr std::size_t kRpcBatchMax = 1000;       // calls
inline constexpr std::size_t kRpcAnswerMax = 25 << 20;  // bytes of a batch's answers together
inline constexpr std::size_t kRpcDepthMax = 16;         // of nested arrays and objects

// Codes that Ethereum clients tell apart.
namespace rpc_code {
inline constexpr int kParse = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kNoMethod = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kServer = -32000;  // geth's, with words that wallets look for
inline constexpr int kLimit = -32005;   // EIP-1474: limit exceeded
inline constexpr int kPruned = 4444;    // EIP-4444: what was asked for is no longer kept
inline constexpr int kReverted = 3;
}  // namespace rpc_code

struct RpcError {
    int code = rpc_code::kServer;
    std::string message;
    std::string data = {};  // a revert's, in hex; absent when empty
};

// What a method gives: a value or an error. An Error becomes an RpcError: invalid_argument is
// kInvalidParams, one that begins with kPrunedHistory kPruned, the rest kServer.
class RpcResult {
  public:
    RpcResult(boost::json::value value) : value_(std::move(value)) {}
    RpcResult(std::string text) : value_(boost::json::value(text)) {}
    RpcResult(RpcError error) : error_(std::move(error)) {}
    RpcResult(Error error);

    bool ok() const { return !error_.has_value(); }
    boost::json::value& value() { return value_; }
    const RpcError& error() const { return *error_; }

  private:
    boost::json::value value_;
    std::optional<RpcError> error_;
};

// Borrowed from the body for the call.
struct RpcCall {
    std::string_view method;
    const boost::json::array& params;
};
using RpcMethod = std::function<RpcResult(const RpcCall&)>;
// Told of a batch before its calls are run one by one.
using RpcForesee = std::function<void(const boost::json::array& calls)>;

// Answers a body: one call, or a batch in order. Empty text when all were notifications. Memory is
// bounded by the limits above whatever the body holds.
std::string answer_rpc(std::string_view body, const RpcMethod& run, const RpcForesee& foresee = {});
// An answer that belongs to no call.
std::string rpc_error_text(const RpcError& error);

}  // namespace mutirao::gateway

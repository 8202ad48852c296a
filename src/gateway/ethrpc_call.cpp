#include "gateway/ethrpc_call.hpp"

#include <new>

#include "gateway/ethrpc_chain.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

// A parsed value takes up to so many times the bytes of its text: "[[],[],...": 24 for three.
constexpr std::size_t kParsedBytesMax = 32 << 20;

// Memory that ends: what is parsed is never larger than the budget, whatever its text.
class BoundedMemory final : public json::memory_resource {
  public:
    explicit BoundedMemory(std::size_t budget) : left_(budget) {}

  private:
    // JSON values need no more than operator new's alignment.
    void* do_allocate(std::size_t size, std::size_t) override {
        if (size > left_) throw std::bad_alloc();
        left_ -= size;
        return ::operator new(size);
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t) override {
        left_ += size;
        ::operator delete(memory);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override {
        return this == &other;
    }
    std::size_t left_;
};

json::object error_json(const RpcError& error) {
    json::object out{{"code", error.code}, {"message", error.message}};
    if (!error.data.empty()) out["data"] = error.data;
    return out;
}

// Written piece by piece: as one value, it would copy the parts first.
std::string envelope(const json::value& id, RpcResult result) {
    std::string out = R"({"jsonrpc":"2.0","id":)" + json::serialize(id);
    if (result.ok())
        out += R"(,"result":)" + json::serialize(result.value());
    else
        out += R"(,"error":)" + json::serialize(error_json(result.error()));
    return out += '}';
}

std::string invalid(const json::value& id, std::string why) {
    return envelope(id, RpcError{rpc_code::kInvalidRequest, std::move(why)});
}

bool is_id(const json::value& id) { return id.is_string() || id.is_number() || id.is_null(); }

// The answer to one call; empty for a notification.
std::string answer_one(const json::value& written, const RpcMethod& run) {
    const auto* object = written.if_object();
    if (object == nullptr) return invalid(nullptr, "a call is an object");
    const auto* given_id = object->if_contains("id");
    if (given_id != nullptr && !is_id(*given_id))
        return invalid(nullptr, "an id is text or number");
    static const json::value kNull;
    const auto& id = given_id == nullptr ? kNull : *given_id;
    const auto* version = object->if_contains("jsonrpc");
    if (version == nullptr || *version != "2.0") return invalid(id, "\"jsonrpc\" must be \"2.0\"");
    const auto* method = object->if_contains("method");
    if (method == nullptr || !method->is_string()) return invalid(id, "\"method\" must be a text");
    static const json::array kNone;
    const auto* given = &kNone;
    if (const auto* params = object->if_contains("params"); params && !params->is_null()) {
        if (!params->is_array())
            return envelope(id, RpcError{rpc_code::kInvalidParams, "\"params\" must be a list"});
        given = &params->get_array();
    }
    auto result = run({method->get_string(), *given});
    return given_id == nullptr ? std::string() : envelope(id, std::move(result));
}

std::string answer_batch(const json::array& calls, const RpcMethod& run,
                         const RpcForesee& foresee) {
    if (calls.empty()) return invalid(nullptr, "an empty batch");
    if (calls.size() > kRpcBatchMax)
        return invalid(nullptr, "batch too large: at most " + std::to_string(kRpcBatchMax) +
                                    " calls, not " + std::to_string(calls.size()));
    if (foresee) foresee(calls);
    std::string out;
    for (const auto& call : calls) {
        const auto one = out.size() > kRpcAnswerMax
                             ? envelope(call.is_object() && call.get_object().contains("id") &&
                                                is_id(call.get_object().at("id"))
                                            ? call.get_object().at("id")
                                            : json::value(),
                                        RpcError{rpc_code::kServer, "response too large"})
                             : answer_one(call, run);
        if (one.empty()) continue;
        out += out.empty() ? '[' : ',';
        out += one;
    }
    if (!out.empty()) out += ']';
    return out;
}

int code_of(const Error& error) {
    if (error.kind == ErrorKind::invalid_argument) return rpc_code::kInvalidParams;
    const bool pruned = error.message.starts_with(kPrunedHistory);
    return pruned ? rpc_code::kPruned : rpc_code::kServer;
}

}  // namespace

RpcResult::RpcResult(Error error) : error_(RpcError{code_of(error), std::move(error.message)}) {}

std::string rpc_error_text(const RpcError& error) { return envelope(nullptr, error); }

std::string answer_rpc(std::string_view body, const RpcMethod& run, const RpcForesee& foresee) {
    if (body.size() > kRpcBodyMax)
        return invalid(nullptr,
                       "request too large: at most " + std::to_string(kRpcBodyMax) + " bytes");
    BoundedMemory memory(kParsedBytesMax);
    try {
        json::parse_options options;
        options.max_depth = kRpcDepthMax;
        boost::system::error_code problem;
        const auto parsed = json::parse(body, problem, &memory, options);
        if (problem == json::error::too_deep)
            return rpc_error_text({rpc_code::kParse, "the JSON is nested too deeply"});
        if (problem) return rpc_error_text({rpc_code::kParse, "parse error: this is no JSON"});
        const auto* batch = parsed.if_array();
        return batch == nullptr ? answer_one(parsed, run) : answer_batch(*batch, run, foresee);
    } catch (const std::bad_alloc&) {
        return rpc_error_text({rpc_code::kInvalidRequest, "request too large"});
    }
}

}  // namespace mutirao::gateway

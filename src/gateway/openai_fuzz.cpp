// Either face of the parser, and everything that is written from what it read.
#include <boost/json.hpp>

#include "base/ensure.hpp"
#include "gateway/openai.hpp"

namespace {

void run(mutirao::gateway::Face face, std::string_view body) {
    using namespace mutirao::gateway;
    const auto request = parse_request(face, body);
    if (!request) {
        ENSURE(request.error().status == 400 || request.error().status == 413, "wrong status");
        boost::json::parse(error_json(request.error()));
        return;
    }
    ENSURE(request->for_model({}, 1).validate().ok(), "the parser lets a bad request through");
    InferenceAnswer answer;
    answer.output = mutirao::to_bytes(mutirao::as_bytes(body.substr(0, 300)));
    boost::json::parse(answer_json(*request, answer));
    ENSURE(answer_events(*request, answer).ends_with("data: [DONE]\n\n"), "unended events");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = mutirao::as_text({data, size});
    run(mutirao::gateway::Face::completion, body);
    run(mutirao::gateway::Face::chat, body);
    return 0;
}

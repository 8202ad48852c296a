#include "node/wire/service.hpp"

#include <limits>

namespace mutirao::node::wire {

Bytes serialize(const google::protobuf::MessageLite& message) {
    Bytes out(message.ByteSizeLong());
    ENSURE(message.SerializeToArray(out.data(), static_cast<int>(out.size())));
    return out;
}

Status parse(ByteSpan bytes, google::protobuf::MessageLite& message) {
    if (bytes.size() > std::numeric_limits<int>::max() ||
        !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return Error{ErrorKind::invalid_argument, "the bytes are no " + message.GetTypeName()};
    return {};
}

Result<Bytes> Service::serve(std::string_view method, ByteSpan request) const {
    const auto at = methods_.find(method);
    if (at == methods_.end())
        return Error{ErrorKind::unimplemented, "this node does not serve " + std::string(method)};
    return at->second(request);
}

}  // namespace mutirao::node::wire

#include "net/grpc_network.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <condition_variable>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <list>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "net/address.hpp"
#include "net/grpc_security.hpp"
#include "net/grpc_status.hpp"
#include "net/grpc_transport.hpp"

namespace mutirao::net {
namespace {

constexpr int kReconnectFirstMs = 100;
constexpr int kReconnectMaxMs = 1000;
// With the TLS handshake, for which a machine at ten times its load takes seconds. Peers that are
// gone refuse at once, and a call's own deadline holds as well.
constexpr int kConnectTimeoutMs = 5000;
constexpr Duration kDeadlineMax = std::chrono::hours(24);

grpc::ChannelArguments channel_arguments() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(static_cast<int>(kMessageBytesMax));
    arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
    // Connections belong to this object: two networks in one process fail apart.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Peers are called directly, whatever http_proxy says.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    for (const auto& [key, value] : kTransportSettings) arguments.SetInt(key, value);
    return arguments;
}

// gRPC's name for "HOST:PORT": numeric addresses need no resolver.
Result<std::string> target_of(const std::string& peer) {
    const auto colon = peer.rfind(':');
    const bool has_port = colon != peer.npos && colon > 0 && colon + 1 < peer.size();
    if (!has_port || peer.find_first_of("/ ?#%") != peer.npos)
        return Error{ErrorKind::invalid_argument,
                     "\"" + peer + "\" is no peer address; write it as HOST:PORT"};
    std::string host = peer.substr(0, colon);
    in6_addr address{};
    if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return "ipv4:" + peer;
    if (host.front() == '[') return "ipv6:" + peer;
    return "dns:///" + peer;
}

gpr_timespec after(Duration duration) {
    const auto clamped = std::clamp(duration, Duration::zero(), kDeadlineMax);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(clamped.count(), GPR_TIMESPAN));
}

struct Answer {
    grpc::Status status;
    std::string kind_text;
    grpc::ByteBuffer body;
};

// What the server says beside a failure; after the call.
std::string kind_text_of(const grpc::ClientContext& context) {
    const auto& trailing = context.GetServerTrailingMetadata();
    const auto kind = trailing.find(kErrorKindKey);
    return kind == trailing.end() ? "" : std::string(kind->second.data(), kind->second.size());
}

// A call that nobody waits for. Shared by gRPC's answer and the network's list.
struct Started {
    std::shared_ptr<grpc::Channel> channel;
    std::string peer, method;
    grpc::ClientContext context;
    grpc::ByteBuffer request, answer;
};

// The calling thread does the waiting and the reading itself, on a queue of its own: no hop through
// another thread.
Answer call_and_wait(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const grpc::ByteBuffer& request, Duration deadline) {
    Answer answer;
    grpc::ClientContext context;
    context.set_deadline(after(deadline));
    context.set_wait_for_ready(false);
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel);
    const auto rpc = stub.PrepareUnaryCall(&context, method, request, &queue);
    rpc->StartCall();
    rpc->Finish(&answer.body, &answer.status, &answer);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) continue;
    answer.kind_text = kind_text_of(context);
    return answer;
}

}  // namespace

struct GrpcNetwork::Impl {
    struct Peer {
        std::string name;
        std::shared_ptr<grpc::Channel> channel;  // shared with the calls that use it right now
    };

    const std::optional<crypto::PeerCertificate> certificate;
    const std::size_t peers_max;
    std::mutex mutex;       // guards both below
    std::list<Peer> peers;  // used last comes first
    std::unordered_map<std::string, std::list<Peer>::iterator> by_name;
    std::mutex started_mutex;  // guards `started`
    std::condition_variable ended;
    std::unordered_set<std::shared_ptr<Started>> started;

    // The channel for a call that may be made.
    Result<std::shared_ptr<grpc::Channel>> admit(const std::string& peer, std::string_view method,
                                                 std::size_t size, Duration deadline) {
        if (!method.starts_with('/'))
            return Error{ErrorKind::invalid_argument,
                         "\"" + std::string(method) + "\" is no gRPC method path"};
        if (size > kMessageBytesMax)
            return Error{ErrorKind::invalid_argument,
                         "a request of " + std::to_string(size) + " bytes to " + peer +
                             " is over the limit of " + std::to_string(kMessageBytesMax)};
        if (deadline <= Duration::zero())
            return Error{ErrorKind::timeout, "no time left to call " + peer};
        return channel(peer);
    }

    void end(const std::shared_ptr<Started>& call) {
        const std::lock_guard lock(started_mutex);
        started.erase(call);
        ended.notify_all();
    }

    void end_all() {
        std::unique_lock lock(started_mutex);
        for (const auto& call : started) call->context.TryCancel();
        ended.wait(lock, [this] { return started.empty(); });
    }

    Result<std::shared_ptr<grpc::Channel>> channel(const std::string& name) {
        const std::lock_guard lock(mutex);
        if (const auto known = by_name.find(name); known != by_name.end()) {
            peers.splice(peers.begin(), peers, known->second);
            return peers.front().channel;
        }
        TRY(const auto peer, parse_peer(name));
        if (peer.account && !certificate)
            return Error{ErrorKind::invalid_argument, "who answers at " + peer.address +
                                                          " cannot be known without a certificate"};
        TRY(const auto target, target_of(peer.address));
        while (peers.size() >= peers_max) {
            by_name.erase(peers.back().name);
            peers.pop_back();
        }
        const auto credentials = certificate ? client_credentials(*certificate, peer.account)
                                             : grpc::InsecureChannelCredentials();
        peers.push_front(
            {name, grpc::CreateCustomChannel(target, credentials, channel_arguments())});
        by_name[name] = peers.begin();
        return peers.front().channel;
    }
};

GrpcNetwork::GrpcNetwork(std::optional<crypto::PeerCertificate> certificate,
                         std::size_t peers_max) {
    ENSURE(peers_max > 0, "a network needs room for a peer");
    route_grpc_log();
    impl_ =
        std::unique_ptr<Impl>(new Impl{std::move(certificate), peers_max, {}, {}, {}, {}, {}, {}});
}
GrpcNetwork::~GrpcNetwork() { impl_->end_all(); }

Result<Bytes> GrpcNetwork::call(const std::string& peer, std::string_view method, ByteSpan request,
                                Duration deadline) {
    TRY(const auto channel, impl_->admit(peer, method, request.size(), deadline));
    // Copied, because gRPC may still hold the request when the deadline has ended the call.
    const auto answer =
        call_and_wait(channel, std::string(method), copy_to_buffer(request), deadline);
    if (!answer.status.ok()) return from_status(answer.status, answer.kind_text, peer, method);
    return to_bytes(answer.body);
}

void GrpcNetwork::start(const std::string& peer, std::string_view method, Message request,
                        Duration deadline, Done done) {
    auto channel = impl_->admit(peer, method, request.size(), deadline);
    if (!channel.ok()) return done(std::move(channel).error());
    const auto call = std::make_shared<Started>();
    call->channel = std::move(channel).value();
    call->peer = peer;
    call->method = method;
    call->context.set_deadline(after(deadline));
    call->context.set_wait_for_ready(false);
    call->request = request.pieces.size() == 1 ? copy_to_buffer(request.pieces.front())
                                               : to_buffer(request.joined());
    {
        const std::lock_guard lock(impl_->started_mutex);
        impl_->started.insert(call);
    }
    grpc::GenericStub(call->channel)
        .UnaryCall(&call->context, call->method, {}, &call->request, &call->answer,
                   [impl = impl_.get(), call, done = std::move(done)](grpc::Status status) {
                       done(status.ok() ? Result<Bytes>(to_bytes(call->answer))
                                        : from_status(status, kind_text_of(call->context),
                                                      call->peer, call->method));
                       impl->end(call);
                   });
}

}  // namespace mutirao::net

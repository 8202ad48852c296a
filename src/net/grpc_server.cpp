#include "net/grpc_server.hpp"

#include <atomic>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <mutex>

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/grpc_security.hpp"
#include "net/grpc_status.hpp"
#include "net/grpc_transport.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {
namespace {

constexpr int kStreamsPerConnectionMax = 1024;

// "ipv4:10.0.0.1:5000" and "ipv6:%5B::1%5D:5000" as gRPC writes peers, without the port.
std::string host_in(const std::string& peer) {
    const auto begin = peer.find(':') + 1;
    const auto end = peer.rfind(':');
    if (end <= begin) return peer;
    std::string host = peer.substr(begin, end - begin);
    constexpr std::string_view kOpens = "%5B", kCloses = "%5D";
    if (host.starts_with(kOpens) && host.ends_with(kCloses))
        host = host.substr(kOpens.size(), host.size() - kOpens.size() - kCloses.size());
    return host;
}

// What every call of one server shares.
struct Shared {
    const Answer answer;
    const Admit admit;                              // none without certificates
    const std::unique_ptr<CallerLimits> of_caller;  // likewise
    const GrpcLimits limits;
    WorkerPool workers;
    KnownCertificates certificates;
    std::atomic<std::size_t> calls = 0;

    Shared(Answer answer_with, Admit admit_with, Clock* clock, const GrpcLimits& with)
        : answer(std::move(answer_with)),
          admit(std::move(admit_with)),
          of_caller(clock != nullptr ? std::make_unique<CallerLimits>(*clock, with.caller)
                                     : nullptr),
          limits(with),
          workers(with.handlers_max, with.calls_max) {}

    Result<Bytes> handle(const grpc::ServerContextBase& context, const std::string& method,
                         ByteSpan request) {
        try {
            if (!of_caller) return answer({}, method, request);
            TRY(const auto caller, caller_of(context));
            TRY(const auto lease, of_caller->enter(caller, request.size()));
            if (admit) TRY_VOID(admit(caller, method));
            return answer(caller, method, request);
        } catch (const std::exception& thrown) {
            return Error{ErrorKind::io, method + " failed inside: " + thrown.what()};
        } catch (...) {
            return Error{ErrorKind::io, method + " failed inside"};
        }
    }

    Result<Caller> caller_of(const grpc::ServerContextBase& context) {
        Caller caller;
        caller.origin = host_in(context.peer());
        const auto pem =
            context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
        if (pem.size() != 1)
            return Error{ErrorKind::permission_denied, "a caller shows one certificate"};
        TRY(caller.account, certificates.account({pem.front().data(), pem.front().size()}));
        return caller;
    }
};

// One call: read the request on gRPC's thread, handle it on one of ours, answer. gRPC calls OnDone
// last, whatever happened.
class Call final : public grpc::ServerGenericBidiReactor {
  public:
    Call(grpc::GenericCallbackServerContext& context, Shared& shared)
        : context_(context), shared_(shared) {
        if (++shared_.calls > shared_.limits.calls_max)
            refuse();
        else
            StartRead(&request_);
    }

    void OnReadDone(bool ok) override {
        if (!ok) return fail(Error{ErrorKind::invalid_argument, "the call carries no request"});
        if (!shared_.workers.try_post([this] { run(); })) refuse();
    }

    void OnDone() override {
        --shared_.calls;
        delete this;
    }

  private:
    void run() {
        if (context_.IsCancelled()) return Finish(grpc::Status::CANCELLED);
        grpc::Slice whole;
        if (request_.TrySingleSlice(&whole).ok() || request_.DumpToSingleSlice(&whole).ok()) {
            request_.Clear();
            answer(shared_.handle(context_, context_.method(), {whole.begin(), whole.size()}));
        } else {
            fail(Error{ErrorKind::io, "the request cannot be read"});
        }
    }

    void answer(Result<Bytes> result) {
        if (!result.ok()) return fail(result.error());
        Bytes bytes = std::move(result).value();
        if (bytes.size() > shared_.limits.message_bytes_max)
            return fail(Error{ErrorKind::resource_exhausted,
                              "an answer of " + std::to_string(bytes.size()) + " bytes to " +
                                  context_.method() + " is over the limit of " +
                                  std::to_string(shared_.limits.message_bytes_max)});
        response_ = to_buffer(std::move(bytes));
        StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }

    void refuse() {
        fail(Error{ErrorKind::resource_exhausted, "the server is busy with " +
                                                      std::to_string(shared_.limits.calls_max) +
                                                      " calls; try again later"});
    }

    void fail(const Error& error) {
        context_.AddTrailingMetadata(kErrorKindKey, std::string(to_string(error.kind)));
        Finish(to_status(error));
    }

    grpc::GenericCallbackServerContext& context_;
    Shared& shared_;
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
};

class GenericService final : public grpc::CallbackGenericService {
  public:
    explicit GenericService(Shared& shared) : shared_(shared) {}
    grpc::ServerGenericBidiReactor* CreateReactor(
        grpc::GenericCallbackServerContext* context) override {
        return new Call(*context, shared_);  // gRPC owns it until OnDone
    }

  private:
    Shared& shared_;
};

}  // namespace

struct GrpcServer::Impl {
    Impl(Answer answer, Admit admit, Clock* clock, const GrpcLimits& limits)
        : shared(std::move(answer), std::move(admit), clock, limits) {}

    Status listen(const std::string& listen_address,
                  const std::shared_ptr<grpc::ServerCredentials>& credentials);

    Shared shared;
    GenericService service{shared};
    ListenAddress address;
    std::unique_ptr<grpc::Server> server;
    std::once_flag stopped;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { stop(); }

Status GrpcServer::Impl::listen(const std::string& listen_address,
                                const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    TRY(address, parse_listen_address(listen_address));
    route_grpc_log();
    grpc::EnableDefaultHealthCheckService(true);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address.text(), credentials, &port);
    builder.RegisterCallbackGenericService(&service);
    builder.SetMaxReceiveMessageSize(static_cast<int>(shared.limits.message_bytes_max));
    builder.SetMaxSendMessageSize(static_cast<int>(shared.limits.message_bytes_max));
    builder.SetResourceQuota(grpc::ResourceQuota().Resize(shared.limits.memory_max));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
    // Without this two servers could share a port, each getting some of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    for (const auto& [key, value] : kTransportSettings) builder.AddChannelArgument(key, value);
    server = builder.BuildAndStart();
    if (server == nullptr || port == 0)
        return Error{ErrorKind::unavailable,
                     "cannot listen on " + listen_address + ": the port is taken or not permitted"};
    address.port = static_cast<std::uint16_t>(port);
    return {};
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const std::string& listen_address,
                                                      Serve serve, GrpcLimits limits) {
    TRY(const auto address, parse_listen_address(listen_address));
    if (!address.loopback)
        return Error{ErrorKind::unimplemented,
                     "cannot listen on " + listen_address +
                         " without certificates; other machines are served with mutual TLS only"};
    auto impl = std::make_unique<Impl>(
        [serve = std::move(serve)](const Caller&, std::string_view method, ByteSpan request) {
            return serve(method, request);
        },
        nullptr, nullptr, limits);
    TRY_VOID(impl->listen(listen_address, grpc::InsecureServerCredentials()));
    return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const std::string& listen_address,
                                                      const crypto::PeerCertificate& certificate,
                                                      Answer answer, Admit admit, Clock& clock,
                                                      GrpcLimits limits) {
    auto impl = std::make_unique<Impl>(std::move(answer), std::move(admit), &clock, limits);
    TRY_VOID(impl->listen(listen_address, server_credentials(certificate)));
    return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

std::uint16_t GrpcServer::port() const { return impl_->address.port; }
std::string GrpcServer::address() const { return impl_->address.text(); }

void GrpcServer::stop() {
    std::call_once(impl_->stopped, [this] {
        // With a grace Shutdown() waits for connections, too, and a client without calls looks at
        // its own only every five seconds.
        const bool is_idle = impl_->shared.calls == 0;
        const auto grace = is_idle ? 0 : impl_->shared.limits.stop_grace.count();
        impl_->server->Shutdown(
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(grace, GPR_TIMESPAN)));
        impl_->server->Wait();
        impl_->shared.workers.stop();
        impl_->server.reset();
    });
}

}  // namespace mutirao::net

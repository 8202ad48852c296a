#include "net/grpc_server.hpp"

#include <atomic>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <mutex>

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/grpc_status.hpp"
#include "net/grpc_transport.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {
namespace {

constexpr int kStreamsPerConnectionMax = 1024;

// What every call of one server shares.
struct Shared {
    Serve serve;
    GrpcLimits limits;
    WorkerPool workers;
    std::atomic<std::size_t> calls = 0;

    Shared(Serve serve_with, const GrpcLimits& with)
        : serve(std::move(serve_with)), limits(with), workers(with.handlers_max, with.calls_max) {}

    Result<Bytes> handle(const std::string& method, ByteSpan request) {
        try {
            return serve(method, request);
        } catch (const std::exception& thrown) {
            return Error{ErrorKind::io, method + " failed inside: " + thrown.what()};
        } catch (...) {
            return Error{ErrorKind::io, method + " failed inside"};
        }
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
            answer(shared_.handle(context_.method(), {whole.begin(), whole.size()}));
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
    Impl(Serve serve, const GrpcLimits& limits) : shared(std::move(serve), limits) {}

    Shared shared;
    GenericService service{shared};
    ListenAddress address;
    std::unique_ptr<grpc::Server> server;
    std::once_flag stopped;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { stop(); }

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const std::string& listen_address,
                                                      Serve serve, GrpcLimits limits) {
    TRY(const auto address, parse_listen_address(listen_address));
    if (!address.loopback)
        return Error{ErrorKind::unimplemented,
                     "cannot listen on " + listen_address +
                         ": mutual TLS between machines is not built yet (it comes with node "
                         "identities); listen on a loopback address"};
    route_grpc_log();
    grpc::EnableDefaultHealthCheckService(true);
    auto impl = std::make_unique<Impl>(std::move(serve), limits);
    impl->address = address;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address.text(), grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&impl->service);
    builder.SetMaxReceiveMessageSize(static_cast<int>(limits.message_bytes_max));
    builder.SetMaxSendMessageSize(static_cast<int>(limits.message_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
    // Without this two servers could share a port, each getting some of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    for (const auto& [key, value] : kTransportSettings) builder.AddChannelArgument(key, value);
    impl->server = builder.BuildAndStart();
    if (impl->server == nullptr || port == 0)
        return Error{ErrorKind::unavailable,
                     "cannot listen on " + listen_address + ": the port is taken or not permitted"};
    impl->address.port = static_cast<std::uint16_t>(port);
    return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

std::uint16_t GrpcServer::port() const { return impl_->address.port; }
std::string GrpcServer::address() const { return impl_->address.text(); }

void GrpcServer::stop() {
    std::call_once(impl_->stopped, [this] {
        const auto grace = impl_->shared.limits.stop_grace.count();
        impl_->server->Shutdown(
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(grace, GPR_TIMESPAN)));
        impl_->server->Wait();
        impl_->shared.workers.stop();
        impl_->server.reset();
    });
}

}  // namespace mutirao::net

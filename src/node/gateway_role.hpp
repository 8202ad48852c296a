// The gateway role: answers mutirao.v1.Publish. It encrypts, codes and disperses uploads, reads and
// decrypts downloads, and keeps the catalogue of names. It holds no balance; an object's key is in
// its memory only while the object is uploaded or read.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "node/identity.hpp"
#include "node/measurement.hpp"
#include "node/object_access.hpp"
#include "node/wire/service.hpp"
#include "publish/catalogue.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::node {

inline constexpr std::size_t kUploadsMax = 256;      // at a time
inline constexpr std::size_t kLargeUploadsMax = 8;   // of those, with a block's memory each
inline constexpr std::size_t kReadsMax = 64;         // open at a time; the oldest makes room
inline constexpr std::size_t kAppendMax = 16 << 20;  // bytes a call

// What the role works with; all must outlive it.
struct GatewayPorts {
    Disk& disk;
    Clock& clock;
    Random& random;
    LedgerClient& ledger;
    Directory& directory;
    NetworkStorageCalls& storage;
    KeyShares& keys;
    ObjectAccess& objects;
    publish::Publishing publishing;
    publish::Packer& packer;
    publish::Retriever& retriever;
};

// Any thread may call serve().
class GatewayRole {
  public:
    static Result<std::unique_ptr<GatewayRole>> open(GatewayPorts ports, const Identity& identity,
                                                     std::uint64_t chain_id);

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    // Where people find the HTTP faces; told to clients in Hello.
    void set_http_address(std::string address) { http_address_ = std::move(address); }
    const publish::Catalogue& catalogue() const { return *catalogue_; }
    // Lets any caller measure the network through this gateway. Not by default.
    void allow_measurements() { measurements_allowed_ = true; }

  private:
    using SessionId = FixedBytes<struct SessionTag, 16>;
    struct Upload {
        Upload(publish::Publishing publishing, publish::Packer& packer, const crypto::Key& key,
               const Address& owner, publish::Strength strength)
            : owner(owner), key(key), writer(std::move(publishing), packer, key, strength) {}
        std::mutex mutex;  // one call at a time; guards what follows but for `large`
        const Address owner;
        const crypto::Key key;
        publish::ObjectWriter writer;
        std::optional<Bytes> finished;  // the serialized FinishReply
        std::atomic<Duration::rep> touched = 0;
        std::atomic<bool> large = false;  // holds memory for a block
        std::atomic<bool> ended = false;
    };
    struct OpenRead {
        SessionId id;
        KeyShares::Opened object;
        Duration opened{0};
    };

    GatewayRole(GatewayPorts ports, const Identity& identity, std::uint64_t chain_id,
                std::unique_ptr<publish::Catalogue> catalogue);
    void add_upload_methods();
    void add_batch_methods();
    void add_catalogue_methods();
    void add_read_methods();
    void add_measure_method();
    Result<std::shared_ptr<const OpenRead>> find_read(const std::string& id);
    Result<std::shared_ptr<Upload>> find_upload(const std::string& id);
    // With mutex_ held: makes room for one more, or says that the gateway is busy.
    Status admit_upload();
    Status admit_bytes(Upload& upload, std::size_t bytes);
    Result<Bytes> finish_upload(Upload& upload);
    // Every block must be certified, and each object's part of it paid for by who names it.
    Status check_certified(std::span<const publish::CatalogueEntry> entries);
    Result<Address> owner_of(const std::string& request, publish::OwnerAction action,
                             publish::OwnerRequest& out);

    const GatewayPorts ports_;
    const Identity identity_;
    const std::uint64_t chain_id_;
    const std::unique_ptr<publish::Catalogue> catalogue_;
    Measurement measurement_;
    std::atomic<bool> measurements_allowed_ = false;
    std::string http_address_;
    wire::Service service_;

    std::mutex mutex_;                                      // guards everything below
    std::map<SessionId, std::shared_ptr<Upload>> uploads_;  // shared with calls in flight
    std::list<std::shared_ptr<const OpenRead>> reads_;      // newest first; shared likewise
};

}  // namespace mutirao::node

#include "node/gateway_role.hpp"

#include <algorithm>

#include "mutirao/v1/publish.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

constexpr auto kUploadIdleMax = std::chrono::minutes(30);
constexpr auto kReadLife = std::chrono::minutes(15);

}  // namespace

Result<std::unique_ptr<GatewayRole>> GatewayRole::open(GatewayPorts ports, const Identity& identity,
                                                       std::uint64_t chain_id) {
    TRY(auto catalogue, publish::Catalogue::open(ports.disk));
    return std::unique_ptr<GatewayRole>(
        new GatewayRole(ports, identity, chain_id, std::move(catalogue)));
}

GatewayRole::GatewayRole(GatewayPorts ports, const Identity& identity, std::uint64_t chain_id,
                         std::unique_ptr<publish::Catalogue> catalogue)
    : ports_(ports),
      identity_(identity),
      chain_id_(chain_id),
      catalogue_(std::move(catalogue)),
      measurement_(ports_.publishing, ports_.packer, ports_.retriever, ports_.clock,
                   ports_.random) {
    service_.on<v1::HelloRequest, v1::HelloReply>(
        "/mutirao.v1.Publish/Hello", [this](const auto&) -> Result<v1::HelloReply> {
            v1::HelloReply out;
            out.set_chain_id(chain_id_);
            out.set_box_key(to_field(identity_.box.public_key().span()));
            out.set_http(http_address_);
            return out;
        });
    add_upload_methods();
    add_batch_methods();
    add_catalogue_methods();
    add_read_methods();
    add_measure_method();
}

Result<std::shared_ptr<GatewayRole::Upload>> GatewayRole::find_upload(const std::string& field) {
    TRY(auto id, fixed_field<SessionId>(field));
    const std::lock_guard lock(mutex_);
    const auto at = uploads_.find(id);
    if (at == uploads_.end())
        return Error{ErrorKind::not_found, "the gateway does not know this upload; begin it again"};
    return at->second;
}

Status GatewayRole::admit_upload() {
    const auto now = ports_.clock.monotonic();
    std::erase_if(uploads_, [&](const auto& entry) {
        return now - Duration(entry.second->touched) > kUploadIdleMax;
    });
    if (uploads_.size() < kUploadsMax) return {};
    // One that has ended is kept for a client that did not hear of it; the oldest makes room.
    auto oldest = uploads_.end();
    for (auto at = uploads_.begin(); at != uploads_.end(); ++at)
        if (at->second->ended &&
            (oldest == uploads_.end() || at->second->touched < oldest->second->touched))
            oldest = at;
    if (oldest == uploads_.end())
        return Error{ErrorKind::resource_exhausted, "the gateway is busy with " +
                                                        std::to_string(kUploadsMax) +
                                                        " uploads; try again in a moment"};
    uploads_.erase(oldest);
    return {};
}

Status GatewayRole::admit_bytes(Upload& upload, std::size_t bytes) {
    if (upload.large || upload.writer.received() + bytes <= crypto::kSegmentSize) return {};
    const std::lock_guard lock(mutex_);
    std::size_t large = 0;
    for (const auto& [id, other] : uploads_) large += other->large;
    if (large >= kLargeUploadsMax)
        return Error{ErrorKind::resource_exhausted, "the gateway is busy with " +
                                                        std::to_string(kLargeUploadsMax) +
                                                        " large uploads; try again in a moment"};
    upload.large = true;
    return {};
}

Result<Bytes> GatewayRole::finish_upload(Upload& upload) {
    if (upload.finished) return *upload.finished;
    // Whatever comes of it, nothing more is taken.
    upload.ended = true;
    auto written = upload.writer.finish();
    upload.large = false;
    TRY(auto manifest, std::move(written));
    TRY(auto keepers, ports_.directory.keepers());
    TRY(auto kept, ports_.keys.keep({{{manifest, upload.key}}}, upload.owner, keepers));
    v1::FinishReply out;
    out.set_content(to_field(manifest.content().span()));
    out.set_manifest(to_field(manifest.encode()));
    for (const auto& paid : upload.writer.certificates()) {
        out.add_certificates(to_field(paid.certificate.encode()));
        out.add_parts(paid.part);
    }
    out.set_fragments_per_block(upload.writer.fragments_per_block());
    out.set_stored_bytes(upload.writer.stored_bytes());
    out.set_keepers(kept);
    upload.finished = wire::serialize(out);
    return *upload.finished;
}

void GatewayRole::add_upload_methods() {
    service_.on<v1::OpenUploadRequest, v1::OpenUploadReply>(
        "/mutirao.v1.Publish/OpenUpload", [this](const auto& in) -> Result<v1::OpenUploadReply> {
            TRY(auto owner, fixed_field<Address>(in.owner()));
            const auto id = ports_.random.template fixed<SessionId>();
            auto upload = std::make_shared<Upload>(
                ports_.publishing, ports_.packer, ports_.random.template fixed<crypto::Key>(),
                owner, in.strong() ? publish::Strength::strong : publish::Strength::available);
            upload->touched = ports_.clock.monotonic().count();
            const std::lock_guard lock(mutex_);
            TRY_VOID(admit_upload());
            uploads_.emplace(id, std::move(upload));
            v1::OpenUploadReply out;
            out.set_upload(to_field(id.span()));
            return out;
        });
    service_.on<v1::UploadStatusRequest, v1::UploadStatusReply>(
        "/mutirao.v1.Publish/UploadStatus",
        [this](const auto& in) -> Result<v1::UploadStatusReply> {
            TRY(auto upload, find_upload(in.upload()));
            const std::lock_guard lock(upload->mutex);
            upload->touched = ports_.clock.monotonic().count();
            v1::UploadStatusReply out;
            out.set_received(upload->writer.received());
            out.set_finished(upload->finished.has_value());
            return out;
        });
    service_.on<v1::AppendRequest, v1::AppendReply>(
        "/mutirao.v1.Publish/Append", [this](const auto& in) -> Result<v1::AppendReply> {
            if (in.data().size() > kAppendMax)
                return Error{ErrorKind::invalid_argument, "at most 16 MiB a call"};
            TRY(auto upload, find_upload(in.upload()));
            const std::lock_guard lock(upload->mutex);
            upload->touched = ports_.clock.monotonic().count();
            const auto received = upload->writer.received();
            v1::AppendReply out;
            // A repeated call, whose first answer got lost, changes nothing.
            if (in.offset() + in.data().size() != received) {
                if (in.offset() != received)
                    return Error{ErrorKind::invalid_argument,
                                 "the upload is at byte " + std::to_string(received) + ", not at " +
                                     std::to_string(in.offset())};
                TRY_VOID(admit_bytes(*upload, in.data().size()));
                TRY_VOID(upload->writer.append(as_bytes(in.data())));
            }
            out.set_received(upload->writer.received());
            return out;
        });
    service_.on<v1::FinishRequest, v1::FinishReply>(
        "/mutirao.v1.Publish/Finish", [this](const auto& in) -> Result<v1::FinishReply> {
            TRY(auto upload, find_upload(in.upload()));
            const std::lock_guard lock(upload->mutex);
            upload->touched = ports_.clock.monotonic().count();
            TRY(auto bytes, finish_upload(*upload));
            v1::FinishReply out;
            TRY_VOID(wire::parse(bytes, out));
            return out;
        });
}

Result<Address> GatewayRole::owner_of(const std::string& request, publish::OwnerAction action,
                                      publish::OwnerRequest& out) {
    TRY(out, publish::OwnerRequest::decode(as_bytes(request)));
    if (out.action != action)
        return Error{ErrorKind::permission_denied, "the owner signed a request for something else"};
    return out.owner(chain_id_, ports_.clock.unix_ms());
}

Status GatewayRole::check_certified(std::span<const publish::CatalogueEntry> entries) {
    std::vector<const publish::ManifestBlock*> blocks;
    std::vector<Bytes> keys;
    for (const auto& entry : entries)
        for (const auto& block : entry.manifest.blocks) {
            blocks.push_back(&block);
            keys.push_back(ledger::key::block_part(block.id, entry.owner, entry.content));
        }
    TRY(const auto records, ports_.ledger.get_many(keys));
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto id = blocks[i]->id.hex();
        if (!records[i])
            return Error{ErrorKind::not_found,
                         "there is no payment for block " + id + " on the ledger"};
        TRY(auto part, ledger::decode_record<ledger::BlockPart>(*records[i]));
        if (part.released || part.bytes < crypto::sealed_size(blocks[i]->plain_size))
            return Error{ErrorKind::permission_denied,
                         "block " + id + " is not paid for by this owner"};
    }
    return {};
}

void GatewayRole::add_catalogue_methods() {
    service_.on<v1::NameRequest, v1::NameReply>(
        "/mutirao.v1.Publish/Name", [this](const auto& in) -> Result<v1::NameReply> {
            publish::OwnerRequest request;
            TRY(auto owner, owner_of(in.owner_request(), publish::OwnerAction::name, request));
            TRY_VOID(publish::check_name(request.name));
            TRY(auto manifest, publish::Manifest::decode(as_bytes(in.manifest())));
            if (manifest.content() != request.content)
                return Error{ErrorKind::corrupt, "the manifest is not that of the signed content"};
            const publish::CatalogueEntry entry{owner, request.name, request.content,
                                                std::move(manifest), ports_.clock.unix_ms()};
            TRY_VOID(check_certified({&entry, 1}));
            TRY_VOID(catalogue_->put(entry));
            return v1::NameReply{};
        });
    service_.on<v1::ListRequest, v1::ListReply>(
        "/mutirao.v1.Publish/List", [this](const auto& in) -> Result<v1::ListReply> {
            publish::OwnerRequest request;
            TRY(auto owner, owner_of(in.owner_request(), publish::OwnerAction::list, request));
            v1::ListReply out;
            for (const auto& entry : catalogue_->list(owner)) {
                auto& object = *out.add_objects();
                object.set_name(entry.name);
                object.set_content(to_field(entry.content.span()));
                object.set_size(entry.manifest.size());
                object.set_blocks(static_cast<std::uint32_t>(entry.manifest.blocks.size()));
                object.set_stored_ms(entry.stored_unix_ms);
                object.set_owner(to_field(entry.owner.span()));
            }
            return out;
        });
    service_.on<v1::RemoveRequest, v1::RemoveReply>(
        "/mutirao.v1.Publish/Remove", [this](const auto& in) -> Result<v1::RemoveReply> {
            publish::OwnerRequest request;
            TRY(auto owner, owner_of(in.owner_request(), publish::OwnerAction::remove, request));
            TRY(auto entry, catalogue_->find(owner, request.name));
            TRY_VOID(catalogue_->remove(owner, request.name));
            v1::RemoveReply out;
            if (catalogue_->is_named(entry.content)) return out;
            // Nodes check for themselves that the ledger shows the blocks as released; one that
            // cannot be reached now keeps its fragments until it is asked again.
            for (const auto& block : entry.manifest.blocks) {
                TRY(auto committee, ports_.directory.committee_of(block.id));
                std::uint32_t dropped = 0;
                for (std::uint32_t member = 0; member < committee.size(); ++member)
                    dropped += ports_.storage.drop(committee.node(member), block.id).ok();
                out.set_nodes(std::max(out.nodes(), dropped));
                out.set_blocks(out.blocks() + 1);
            }
            if (auto key_request = rights::KeyRequest::decode(as_bytes(in.key_request()));
                key_request.ok()) {
                TRY(auto keepers, ports_.directory.keepers());
                ports_.keys.forget(*key_request, keepers);
            }
            return out;
        });
}

Result<std::shared_ptr<const GatewayRole::OpenRead>> GatewayRole::find_read(
    const std::string& field) {
    TRY(auto id, fixed_field<SessionId>(field));
    const std::lock_guard lock(mutex_);
    for (const auto& known : reads_)
        if (known->id == id && ports_.clock.monotonic() - known->opened < kReadLife) return known;
    return Error{ErrorKind::not_found, "the gateway does not know this read; open it again"};
}

void GatewayRole::add_measure_method() {
    service_.on<v1::MeasureRequest, v1::MeasureReply>(
        "/mutirao.v1.Publish/Measure", [this](const auto& in) -> Result<v1::MeasureReply> {
            if (!measurements_allowed_)
                return Error{ErrorKind::permission_denied,
                             "this gateway lets nobody measure through it; its operator allows it "
                             "with --allow-measuring"};
            Measured measured;
            if (in.what() == v1::MeasureRequest::WRITE) {
                TRY(measured, measurement_.write(in.size(), in.count(), in.threads()));
            } else if (in.what() == v1::MeasureRequest::READ) {
                TRY(measured, measurement_.read(in.count()));
            }
            v1::MeasureReply out;
            out.set_seconds(measured.seconds);
            out.set_bytes(measured.bytes);
            for (const auto sample : measured.samples_ms)
                out.add_samples_ms(static_cast<float>(sample));
            for (const auto& failure : measured.failures) out.add_failures(failure);
            return out;
        });
}

void GatewayRole::add_read_methods() {
    service_.on<v1::OpenReadRequest, v1::OpenReadReply>(
        "/mutirao.v1.Publish/OpenRead", [this](const auto& in) -> Result<v1::OpenReadReply> {
            TRY(auto request, rights::KeyRequest::decode(as_bytes(in.key_request())));
            TRY(auto keepers, ports_.directory.keepers());
            TRY(auto opened, ports_.keys.open(request, identity_.box, keepers));
            v1::OpenReadReply out;
            out.set_manifest(to_field(opened.manifest.encode()));
            auto read = std::make_shared<const OpenRead>(
                OpenRead{ports_.random.template fixed<SessionId>(), std::move(opened),
                         ports_.clock.monotonic()});
            out.set_read(to_field(read->id.span()));
            const std::lock_guard lock(mutex_);
            reads_.push_front(std::move(read));
            if (reads_.size() > kReadsMax) reads_.pop_back();
            return out;
        });
    service_.on<v1::ReadRangeRequest, v1::ReadRangeReply>(
        "/mutirao.v1.Publish/ReadRange", [this](const auto& in) -> Result<v1::ReadRangeReply> {
            TRY(const auto read, find_read(in.read()));
            TRY(auto range, ports_.objects.read_range(read->object.manifest, read->object.key,
                                                      in.index(), in.offset(), in.size()));
            v1::ReadRangeReply out;
            out.set_data(to_field(range.plain));
            return out;
        });
    service_.on<v1::ReadBlockRequest, v1::ReadBlockReply>(
        "/mutirao.v1.Publish/ReadBlock", [this](const auto& in) -> Result<v1::ReadBlockReply> {
            TRY(const auto read, find_read(in.read()));
            TRY(auto block,
                ports_.objects.read_block(read->object.manifest, read->object.key, in.index()));
            v1::ReadBlockReply out;
            out.set_data(to_field(block.plain));
            out.set_data_rows_used(block.read.data_rows_used);
            out.set_parity_rows_used(block.read.parity_rows_used);
            out.set_rows_total(block.read.header.rows);
            out.set_nodes_answered(block.read.nodes_answered);
            for (const auto& failure : block.read.failures)
                out.add_failures(failure.node.hex() + ": " + failure.error.message);
            return out;
        });
}

}  // namespace mutirao::node

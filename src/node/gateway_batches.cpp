// The gateway's calls for many small objects at once: one block, one message a keeper, one sync of
// the catalogue.
#include "mutirao/v1/publish.pb.h"
#include "node/gateway_role.hpp"
#include "node/wire/fields.hpp"
#include "publish/small_objects.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

v1::PutManyReply reply_of(const publish::StoredTogether& stored, std::uint32_t keepers) {
    v1::PutManyReply out;
    out.set_certificate(to_field(stored.certificate.encode()));
    for (std::size_t i = 0; i < stored.manifests.size(); ++i) {
        auto& object = *out.add_objects();
        object.set_content(to_field(stored.manifests[i].content().span()));
        object.set_manifest(to_field(stored.manifests[i].encode()));
        object.set_part(stored.parts[i]);
        object.set_stored_bytes(stored.stored_bytes[i]);
    }
    out.set_fragments_per_block(stored.fragments_per_block);
    out.set_keepers(keepers);
    return out;
}

}  // namespace

void GatewayRole::add_batch_methods() {
    service_.on<v1::PutManyRequest, v1::PutManyReply>(
        "/mutirao.v1.Publish/PutMany", [this](const auto& in) -> Result<v1::PutManyReply> {
            TRY(auto owner, fixed_field<Address>(in.owner()));
            std::vector<publish::SmallObject> objects;
            for (const auto& data : in.data())
                objects.push_back({ports_.random.template fixed<crypto::Key>(), as_bytes(data)});
            TRY(auto stored, publish::store_together(ports_.packer, objects,
                                                     in.strong() ? publish::Strength::strong
                                                                 : publish::Strength::available));
            std::vector<KeyShares::ObjectKey> keys;
            for (std::size_t i = 0; i < objects.size(); ++i)
                keys.push_back({stored.manifests[i], objects[i].key});
            TRY(auto keepers, ports_.directory.keepers());
            TRY(auto kept, ports_.keys.keep(keys, owner, keepers));
            return reply_of(stored, kept);
        });
    service_.on<v1::NameManyRequest, v1::NameManyReply>(
        "/mutirao.v1.Publish/NameMany", [this](const auto& in) -> Result<v1::NameManyReply> {
            if (in.names_size() != in.manifests_size() || in.names().empty() ||
                static_cast<std::size_t>(in.names_size()) > publish::kTogetherMax)
                return Error{ErrorKind::invalid_argument,
                             "a call names 1 to " + std::to_string(publish::kTogetherMax) +
                                 " objects, each with its manifest"};
            publish::OwnerRequest request;
            TRY(auto owner, owner_of(in.owner_request(), publish::OwnerAction::name_many, request));
            std::vector<publish::CatalogueEntry> entries;
            std::vector<publish::Naming> namings;
            for (int i = 0; i < in.names_size(); ++i) {
                TRY_VOID(publish::check_name(in.names(i)));
                TRY(auto manifest, publish::Manifest::decode(as_bytes(in.manifests(i))));
                const auto content = manifest.content();
                namings.push_back({in.names(i), content});
                entries.push_back(
                    {owner, in.names(i), content, std::move(manifest), ports_.clock.unix_ms()});
            }
            if (publish::digest_names(namings) != request.content)
                return Error{ErrorKind::corrupt, "the names are not those that the owner signed"};
            TRY_VOID(check_certified(entries));
            TRY_VOID(catalogue_->put_all(entries));
            return v1::NameManyReply{};
        });
}

}  // namespace mutirao::node

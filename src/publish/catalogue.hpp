// Which owner calls which content by which name: a gateway's durable list. An append-only log over
// the Disk port, replayed on opening; a torn last record is cut off.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ports.hpp"
#include "publish/manifest.hpp"

namespace mutirao::publish {

struct CatalogueEntry {
    Address owner;
    std::string name;
    Digest content;
    Manifest manifest;
    std::uint64_t stored_unix_ms = 0;
};

// Any thread may call.
class Catalogue {
  public:
    // corrupt when a record before the last one is damaged.
    static Result<std::unique_ptr<Catalogue>> open(Disk& disk);

    // Durable when it returns. An existing name of the same owner now means the new content.
    Status put(const CatalogueEntry& entry) { return put_all({&entry, 1}); }
    // The same for many, with one sync. At an error none of them is named.
    Status put_all(std::span<const CatalogueEntry> entries);
    // not_found when the owner has no such name.
    Result<CatalogueEntry> find(const Address& owner, const std::string& name) const;
    // Whether any name of any owner still means this content.
    bool is_named(const Digest& content) const;
    std::optional<Manifest> manifest(const Digest& content) const;
    Status remove(const Address& owner, const std::string& name);
    // Of one owner, or of all; by owner, then name.
    std::vector<CatalogueEntry> list(const std::optional<Address>& owner) const;

  private:
    using Key = std::pair<Address, std::string>;
    explicit Catalogue(std::unique_ptr<File> log) : log_(std::move(log)) {}
    Status append(std::span<const Bytes> records);
    Status apply(ByteSpan record);

    mutable std::mutex mutex_;  // guards everything below
    std::unique_ptr<File> log_;
    std::map<Key, CatalogueEntry> entries_;
};

}  // namespace mutirao::publish

#include "node/run_tables.hpp"

#include <algorithm>

#include "dataset/prepare.hpp"

namespace mutirao::node {
namespace {

using dataset::Csv;
using dataset::RowExamples;
using Schema = std::shared_ptr<const dataset::TableSchema>;

constexpr std::uint64_t kPiece = 4 << 20;        // of a table at a time
constexpr std::uint64_t kPlaceEvery = 64 << 10;  // bytes of a table, about

// Where the rows of a table lie that are examples: some of them, in order.
class Places {
  public:
    struct Place {
        std::uint64_t example = 0, offset = 0;
        std::size_t line = 1;
    };

    void add(std::uint64_t offset, std::size_t line) {
        if (places_.empty() || offset - places_.back().offset >= kPlaceEvery)
            places_.push_back({examples_, offset, line});
        ++examples_;
    }
    std::uint64_t examples() const { return examples_; }
    // The last one that is not behind an example.
    const Place& before(std::uint64_t example) const {
        return *std::prev(std::ranges::upper_bound(places_, example, {}, &Place::example));
    }
    // Where no row lies any more that is an example below `end`.
    std::uint64_t end_of(std::uint64_t end, std::uint64_t size) const {
        const auto next = std::ranges::lower_bound(places_, end, {}, &Place::example);
        return next == places_.end() ? size : next->offset;
    }

  private:
    std::vector<Place> places_;
    std::uint64_t examples_ = 0;
};

// A table as its examples.
class TableExamples final : public RunObject {
  public:
    TableExamples(std::shared_ptr<RunObject> table, dataset::CsvReader reader, Places places,
                  Schema schema, RowExamples rows, std::size_t example_size)
        : table_(std::move(table)),
          reader_(std::move(reader)),
          places_(std::move(places)),
          schema_(std::move(schema)),
          rows_(std::move(rows)),
          example_size_(example_size) {}

    std::uint64_t size() const override { return places_.examples() * example_size_; }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        const auto first = offset / example_size_;
        const auto end = (offset + size + example_size_ - 1) / example_size_;
        TRY(auto examples, read_examples(first, end));
        if (examples.size() != (end - first) * example_size_)
            return Error{ErrorKind::corrupt, "the table is not what it was"};
        const auto skipped = static_cast<std::ptrdiff_t>(offset - first * example_size_);
        examples.erase(examples.begin(), examples.begin() + skipped);
        examples.resize(size);
        return examples;
    }

  private:
    Result<Bytes> read_examples(std::uint64_t first, std::uint64_t end) {
        Bytes out;
        if (first == end) return out;
        out.reserve((end - first) * example_size_);
        const auto& place = places_.before(first);
        auto example = place.example;
        const dataset::CsvReader::Take take = [&](Csv::Row& row, std::uint64_t) -> Status {
            if (example == end || !rows_.takes(row) || example++ < first) return {};
            return rows_.add(row, out);
        };
        auto reader = reader_.at(place.offset, place.line);
        const auto stop = places_.end_of(end, table_->size());
        for (auto at = place.offset; at < stop; at += kPiece) {
            TRY(const auto piece, table_->read(at, std::min(kPiece, stop - at)));
            TRY_VOID(reader.add(piece, take));
        }
        TRY_VOID(reader.finish(take));
        return out;
    }

    const std::shared_ptr<RunObject> table_;
    const dataset::CsvReader reader_;
    const Places places_;
    const Schema schema_;  // which rows_ borrows
    const RowExamples rows_;
    const std::size_t example_size_;
};

// The one reading of all tables.
class Pass {
  public:
    // Without a schema one is learnt.
    Pass(const model::TabularConfig& config, const RunObjects& owners, Schema schema)
        : config_(config), owners_(owners), schema_(std::move(schema)) {}

    Status read_all(const ShardPorts& ports) {
        RunShards shards(owners_, ports);
        for (std::uint32_t i = 0; i < owners_.size(); ++i) {
            auto read = read_table(i, shards, ports);
            if (!read.ok())
                return std::move(read).error().within("the data of owner " + std::to_string(i));
        }
        if (schema_) return {};
        TRY(auto learnt, learner_.schema(dataset::answer_of(config_)));
        TRY_VOID(dataset::check_outputs(config_, learnt));
        schema_ = std::make_shared<const dataset::TableSchema>(std::move(learnt));
        return {};
    }

    Result<RunTables> tables() && {
        RunTables out{{}, schema_->encode()};
        for (std::size_t i = 0; i < owners_.size(); ++i) {
            TRY(auto rows, rows_of(readers_[i]));
            out.examples.push_back(std::make_shared<TableExamples>(
                owners_[i], std::move(readers_[i]), std::move(places_[i]), schema_, std::move(rows),
                model::ModelConfig(config_).example_size()));
        }
        return out;
    }

  private:
    Result<RowExamples> rows_of(const dataset::CsvReader& reader) const {
        return RowExamples::make(*schema_, reader.header(), config_.features,
                                 RowExamples::For::learning);
    }

    Status read_table(std::uint32_t owner, RunShards& shards, const ShardPorts& ports) {
        auto& reader = readers_.emplace_back();
        auto& places = places_.emplace_back();
        std::optional<RowExamples> rows;  // of a schema that is known: to find what does not fit
        bool has_begun = false;
        Bytes example;
        const auto begin = [&]() -> Status {
            has_begun = true;
            if (!schema_) return learner_.begin(reader.header());
            TRY(rows, rows_of(reader));
            return {};
        };
        const dataset::CsvReader::Take take = [&](Csv::Row& row, std::uint64_t at) -> Status {
            if (!has_begun) TRY_VOID(begin());
            if (!rows) TRY_VOID(learner_.add(row));
            if (rows ? !rows->takes(row) : dataset::is_missing(row.cells.back())) return {};
            places.add(at, row.line);
            example.clear();
            return rows ? rows->add(row, example) : Status();
        };
        std::vector<train::Stretch> pieces;
        const auto size = owners_[owner]->size();
        for (std::uint64_t at = 0; at < size; at += kPiece)
            pieces.push_back({owner, at, std::min(kPiece, size - at)});
        TRY_VOID(read_in_order(shards, pieces, [&](const auto&, ByteSpan piece) -> Status {
            if (ports.is_cancelled()) return Error{ErrorKind::unavailable, "the run was cancelled"};
            return reader.add(piece, take);
        }));
        TRY_VOID(reader.finish(take));
        if (!has_begun) TRY_VOID(begin());
        reader = reader.at(0, 1);  // without the memory that reading took
        return {};
    }

    const model::TabularConfig config_;
    const RunObjects& owners_;
    Schema schema_;
    dataset::SchemaLearner learner_;
    std::vector<dataset::CsvReader> readers_;  // with their headers
    std::vector<Places> places_;
};

}  // namespace

Result<RunTables> read_tables(const model::TabularConfig& config, const RunObjects& owners,
                              ByteSpan preparation, const ShardPorts& ports) {
    Schema known;
    if (!preparation.empty()) {
        TRY(auto schema, dataset::TableSchema::decode(preparation));
        TRY_VOID(dataset::check_outputs(config, schema));
        known = std::make_shared<const dataset::TableSchema>(std::move(schema));
    }
    Pass pass(config, owners, std::move(known));
    TRY_VOID(pass.read_all(ports));
    return std::move(pass).tables();
}

}  // namespace mutirao::node

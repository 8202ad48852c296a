#include "gateway/ethrpc_params.hpp"

#include <algorithm>

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

Error wrong(std::string why) { return {ErrorKind::invalid_argument, std::move(why)}; }

Error at(std::size_t index, Error error) {
    return std::move(error).within("parameter " + std::to_string(index + 1));
}

Result<std::string_view> text_of(const json::value& value) {
    const auto* text = value.if_string();
    if (text == nullptr) return wrong("a text was expected");
    return std::string_view(*text);
}

template <class Fixed>
Result<Fixed> fixed_of(const json::value& value) {
    TRY(const auto text, text_of(value));
    if (text.size() != 2 + 2 * Fixed::kSize)
        return wrong("expected 0x and " + std::to_string(2 * Fixed::kSize) + " digits");
    TRY(const auto bytes, read_data(text));
    return Fixed::from_bytes(bytes);
}

// A value, or a list of them; empty for null.
template <class Fixed>
Result<std::vector<Fixed>> some_of(const json::value& value) {
    std::vector<Fixed> out;
    if (value.is_null()) return out;
    const auto* list = value.if_array();
    if (list == nullptr) {
        TRY(auto one, fixed_of<Fixed>(value));
        out.push_back(one);
        return out;
    }
    if (list->size() > kFilterChoicesMax)
        return wrong("at most " + std::to_string(kFilterChoicesMax) + " at once");
    for (const auto& each : *list) {
        if (each.is_null()) return std::vector<Fixed>();  // one of them takes all
        TRY(auto one, fixed_of<Fixed>(each));
        out.push_back(one);
    }
    return out;
}

const json::value* field(const json::object& object, std::string_view name) {
    const auto* found = object.if_contains(name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

Result<Bytes> call_data(const json::object& object) {
    const auto* data = field(object, "data");
    const auto* input = field(object, "input");
    if (data == nullptr && input == nullptr) return Bytes();
    if (data != nullptr && input != nullptr && *data != *input)
        return wrong("\"data\" and \"input\" differ");
    TRY(const auto text, text_of(input == nullptr ? *data : *input));
    if (text.size() > 2 * ledger::kTransactionSizeMax)
        return wrong("the call's data is over " + std::to_string(ledger::kTransactionSizeMax) +
                     " bytes, which no transaction can carry");
    return read_data(text);
}

bool in_bloom(const Bloom& bloom, const Bloom& wanted) {
    for (std::size_t i = 0; i < bloom.size(); ++i)
        if ((bloom[i] & wanted[i]) != wanted[i]) return false;
    return true;
}

}  // namespace

bool LogFilter::matches(const ledger::Log& log) const {
    const auto has = [](const auto& choices, const auto& value) {
        return choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end();
    };
    if (!has(addresses, log.address)) return false;
    for (std::size_t i = 0; i < topics.size(); ++i)
        if (!topics[i].empty() && (i >= log.topics.size() || !has(topics[i], log.topics[i])))
            return false;
    // A filter of three places takes only logs with as many topics.
    return topics.size() <= log.topics.size();
}

bool LogFilter::may_match(const Bloom& bloom) const {
    const auto any = [&](const auto& choices, auto put) {
        if (choices.empty() || choices.size() > 8) return true;
        return std::any_of(choices.begin(), choices.end(), [&](const auto& choice) {
            Bloom wanted{};
            add_to_bloom(wanted, put(choice));
            return in_bloom(bloom, wanted);
        });
    };
    // Each is looked for alone; a log's address is in the filter too, so it must be named.
    if (addresses.size() == 1) {
        ledger::Log log;
        log.address = addresses[0];
        Bloom wanted{};
        add_to_bloom(wanted, log);
        if (!in_bloom(bloom, wanted)) return false;
        for (const auto& choices : topics)
            if (!any(choices, [&](const Digest& topic) {
                    return ledger::Log{addresses[0], {topic}, {}};
                }))
                return false;
        return true;
    }
    return any(addresses, [](const Address& address) { return ledger::Log{address, {}, {}}; });
}

const json::value* Params::find(std::size_t index) const {
    return index >= values_.size() || values_[index].is_null() ? nullptr : &values_[index];
}

Result<std::string_view> Params::text(std::size_t index) const {
    const auto* value = find(index);
    if (value == nullptr)
        return wrong("missing value for required argument " + std::to_string(index));
    auto text = text_of(*value);
    if (!text.ok()) return at(index, std::move(text).error());
    return *text;
}

template <class Fixed>
Result<Fixed> Params::fixed(std::size_t index) const {
    if (const auto present = text(index); !present.ok()) return present.error();
    auto value = fixed_of<Fixed>(*find(index));
    if (!value.ok()) return at(index, std::move(value).error());
    return value;
}

Result<Address> Params::address(std::size_t index) const { return fixed<Address>(index); }
Result<Digest> Params::digest(std::size_t index) const { return fixed<Digest>(index); }

Result<std::uint64_t> Params::number(std::size_t index) const {
    const auto* value = find(index);
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0)
        return static_cast<std::uint64_t>(value->get_int64());
    TRY(const auto written, text(index));
    auto number = read_quantity64(written);
    if (!number.ok()) return at(index, std::move(number).error());
    return number;
}

Result<bool> Params::flag(std::size_t index) const {
    const auto* value = find(index);
    if (value == nullptr) return false;
    if (!value->is_bool()) return at(index, wrong("true or false was expected"));
    return value->get_bool();
}

Result<BlockChoice> Params::block(std::size_t index) const {
    const auto* value = find(index);
    if (value == nullptr) return BlockChoice{chain_.height(), true, false};
    auto choice = read_block_choice(*value, chain_);
    if (!choice.ok()) return at(index, std::move(choice).error());
    return choice;
}

Result<BlockChoice> read_block_choice(const json::value& written, const EthereumChain& chain) {
    if (const auto* object = written.if_object()) {
        if (const auto* hash = field(*object, "blockHash")) {
            TRY(const auto digest, fixed_of<Digest>(*hash));
            const auto height = chain.height_of(digest);
            if (!height) return Error{ErrorKind::not_found, "no block has this hash"};
            return BlockChoice{*height, false, false};
        }
        const auto* number = field(*object, "blockNumber");
        if (number == nullptr || number->is_object())
            return wrong("a block is named by its number, its hash or a tag");
        return read_block_choice(*number, chain);
    }
    TRY(const auto text, text_of(written));
    if (text == "latest" || text == "safe" || text == "finalized")
        return BlockChoice{chain.height(), true, false};
    if (text == "pending") return BlockChoice{chain.height(), true, true};
    if (text == "earliest") return BlockChoice{0, false, false};
    TRY(const auto height, read_quantity64(text));
    return BlockChoice{height, false, false};
}

Result<CallRequest> Params::call(std::size_t index) const {
    const auto* value = find(index);
    const auto* object = value == nullptr ? nullptr : value->if_object();
    if (object == nullptr) return at(index, wrong("a call object was expected"));
    CallRequest out;
    if (const auto* from = field(*object, "from")) {
        TRY(out.from, fixed_of<Address>(*from));
    }
    const auto* to = field(*object, "to");
    if (to == nullptr)
        return Error{ErrorKind::unimplemented,
                     "contracts cannot be deployed: there is no EVM on this ledger yet"};
    TRY(out.call.to, fixed_of<Address>(*to));
    if (const auto* amount = field(*object, "value")) {
        TRY(const auto text, text_of(*amount));
        TRY(const auto wei, read_quantity(text));
        out.call.value = ledger::Amount(wei);
    }
    if (const auto* gas = field(*object, "gas")) {
        TRY(const auto text, text_of(*gas));
        TRY(out.gas, read_quantity64(text));
    }
    TRY(out.call.data, call_data(*object));
    return out;
}

Result<LogFilter> read_log_filter(const json::object& written) {
    LogFilter out;
    if (const auto* address = field(written, "address")) {
        TRY(out.addresses, some_of<Address>(*address));
    }
    const auto* topics = field(written, "topics");
    if (topics == nullptr) return out;
    const auto* places = topics->if_array();
    if (places == nullptr) return wrong("\"topics\" must be a list");
    if (places->size() > 4) return wrong("a log has at most 4 topics");
    for (const auto& place : *places) {
        TRY(auto choices, some_of<Digest>(place));
        out.topics.push_back(std::move(choices));
    }
    return out;
}

}  // namespace mutirao::gateway

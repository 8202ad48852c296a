#include "node/admission.hpp"

#include <array>

#include "crypto/account.hpp"

namespace mutirao::node {
namespace {

struct Rule {
    std::string_view method;
    ledger::Role caller;
};
constexpr std::array kRules{
    Rule{"/mutirao.v1.Fragments/Put", ledger::Role::gateway},
    Rule{"/mutirao.v1.Storage/OpenBlock", ledger::Role::gateway},
    Rule{"/mutirao.v1.Storage/PutSlot", ledger::Role::gateway},
    Rule{"/mutirao.v1.Storage/Sign", ledger::Role::gateway},
    Rule{"/mutirao.v1.Storage/Drop", ledger::Role::gateway},
    Rule{"/mutirao.v1.Keeper/Keep", ledger::Role::gateway},
    Rule{"/mutirao.v1.Train/Plan", ledger::Role::trainer},
    Rule{"/mutirao.v1.Train/Exchange", ledger::Role::trainer},
    Rule{"/mutirao.v1.Train/Chunk", ledger::Role::trainer},
    Rule{"/mutirao.v1.Train/Give", ledger::Role::trainer},
    Rule{"/mutirao.v1.Train/Push", ledger::Role::trainer},
    Rule{"/mutirao.v1.Train/Seat", ledger::Role::trainer},
};

const char* name_of(ledger::Role role) {
    return role == ledger::Role::gateway ? "gateways" : "trainers";
}

}  // namespace

ledger::Role caller_role(std::string_view method) {
    for (const auto& rule : kRules)
        if (rule.method == method) return rule.caller;
    return ledger::Role::none;
}

Status may_call(Directory& directory, const net::Caller& caller, std::string_view method) {
    const auto wanted = caller_role(method);
    if (wanted == ledger::Role::none) return {};
    if (caller.account) {
        TRY(const bool is_it, directory.has_role(*caller.account, wanted));
        if (is_it) return {};
    }
    return Error{ErrorKind::permission_denied,
                 std::string(method) + " is for registered " + name_of(wanted) + "; " +
                     (caller.account ? crypto::to_checksum_text(*caller.account) : caller.origin) +
                     " is none"};
}

}  // namespace mutirao::node

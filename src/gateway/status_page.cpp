#include "gateway/status_page.hpp"

#include <algorithm>
#include <initializer_list>

#include "gateway/status_words.hpp"
#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

// Wide tables scroll by themselves, so that the page never does sideways on a phone.
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--edge:#d0d7de;--back:#fff;"
    "--good:#116329;--bad:#a40e26;--bar:#1560bd;--bar2:#c2410c}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4af;--edge:#30363d;"
    "--back:#101216;--good:#56d364;--bad:#ff7b72;--bar:#6db1ff;--bar2:#ff9d5c}}"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--back);"
    "max-width:70rem;margin:0 auto;padding:0 1rem 3rem}"
    "h1{font-size:1.4rem;margin:1rem 0 0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    "p{color:var(--soft);margin:.2rem 0}section>div{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-size:.88rem}"
    "th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--edge);"
    "vertical-align:top}th{color:var(--soft);font-weight:600;white-space:nowrap}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".id{font-family:ui-monospace,monospace;overflow-wrap:anywhere;min-width:8rem}"
    ".up{color:var(--good)}.down{color:var(--bad);font-weight:600}"
    "svg{width:100%;height:auto;max-width:44rem}"
    ".bar{height:.7rem;background:var(--bar);border-radius:2px;min-width:2px}"
    ".bar.b{background:var(--bar2)}";

struct Cell {
    std::string html;        // escaped
    std::string_view style;  // class, or empty
};

Cell text(std::string_view value) { return {html_text(value), ""}; }
Cell id(std::string_view value) { return {html_text(value), "id"}; }
Cell figure(std::string value) { return {std::move(value), "n"}; }

// A titled table of at most kRowsShown rows.
class Table {
  public:
    Table(const StatusWords& words, std::string_view title,
          std::initializer_list<std::string_view> columns)
        : words_(words), title_(title) {
        for (const auto column : columns) head_ += "<th>" + html_text(column) + "</th>";
    }

    void row(std::initializer_list<Cell> cells) {
        if (++rows_ > kRowsShown) return;
        body_ += "<tr>";
        for (const auto& cell : cells) {
            body_ += cell.style.empty() ? "<td>" : "<td class=\"" + std::string(cell.style) + "\">";
            body_ += cell.html + "</td>";
        }
        body_ += "</tr>\n";
    }

    std::string html() const {
        auto out = "<section><h2>" + html_text(title_) + "</h2>\n";
        if (rows_ == 0) return out + "<p>" + html_text(words_.nothing) + "</p></section>\n";
        out += "<div><table><thead><tr>" + head_ + "</tr></thead><tbody>\n" + body_ +
               "</tbody></table></div>\n";
        if (rows_ > kRowsShown)
            out += "<p>+ " + std::to_string(rows_ - kRowsShown) + " " +
                   html_text(words_.more_rows) + "</p>\n";
        return out + "</section>\n";
    }

  private:
    const StatusWords& words_;
    std::string_view title_;
    std::string head_, body_;
    std::size_t rows_ = 0;
};

std::string nodes_table(const StatusSnapshot& snapshot, const StatusWords& words,
                        Language language) {
    Table table(words, words.nodes,
                {words.role, words.state, words.endpoint, words.slots, words.bytes, words.address});
    for (const auto& node : snapshot.nodes)
        table.row({text(node.role),
                   {html_text(node.up ? words.up : words.down), node.up ? "up" : "down"},
                   text(node.endpoint),
                   figure(count_text(node.slots, language)),
                   figure(size_text(node.bytes, language)),
                   id(node.address)});
    return table.html();
}

std::string ledger_tables(const StatusSnapshot& snapshot, const StatusWords& words,
                          Language language) {
    Table blocks(words, words.ledger_blocks,
                 {words.height, words.time, words.transactions, words.certificates});
    for (const auto& block : snapshot.blocks)
        blocks.row({figure(count_text(block.height, language)), text(time_text(block.unix_ms)),
                    figure(count_text(block.transactions, language)),
                    figure(count_text(block.certificates, language))});
    Table certificates(
        words, words.certificates,
        {words.height, words.length, words.signed_slots, words.certificate_bytes, words.block_id});
    for (const auto& certificate : snapshot.certificates)
        certificates.row({figure(count_text(certificate.height, language)),
                          figure(size_text(certificate.length, language)),
                          figure(std::to_string(certificate.signed_slots) + " / " +
                                 std::to_string(certificate.slots)),
                          figure(size_text(certificate.bytes, language)),
                          id(certificate.block_id)});
    return blocks.html() + certificates.html();
}

std::string objects_table(const StatusSnapshot& snapshot, const StatusWords& words,
                          Language language) {
    Table table(words, words.objects, {words.name, words.size, words.blocks, words.owner});
    for (const auto& object : snapshot.objects)
        table.row({text(object.name), figure(size_text(object.size, language)),
                   figure(count_text(object.blocks, language)), id(object.owner)});
    return table.html();
}

std::string bar(std::string_view name, std::uint64_t bytes, std::uint64_t most,
                std::string_view style, Language language) {
    const auto percent =
        most == 0 ? 0.0 : 100 * static_cast<double>(bytes) / static_cast<double>(most);
    return "<p>" + html_text(name) + ": " + size_text(bytes, language) + "</p><div class=\"" +
           std::string(style) + "\" style=\"width:" + decimal_text(percent, 1, Language::english) +
           "%\"></div>\n";
}

std::string training_section(const StatusSnapshot& snapshot, const StatusWords& words,
                             Language language) {
    auto out = "<section><h2>" + html_text(words.training) + "</h2>\n";
    if (!snapshot.training) return out + "<p>" + html_text(words.nothing) + "</p></section>\n";
    const auto& run = *snapshot.training;
    out += "<p>" + html_text(run.name) + " · " + html_text(run.state) + " · " +
           decimal_text(run.tokens_per_second, 0, language) + " " +
           html_text(words.tokens_per_second) + "</p>\n";
    out += loss_chart_svg(run.losses, words.chart);
    const auto most = std::max(run.bytes_exchanged, run.allreduce_bytes);
    out += bar(words.exchanged, run.bytes_exchanged, most, "bar", language);
    out += bar(words.all_reduce, run.allreduce_bytes, most, "bar b", language);
    if (run.bytes_exchanged > 0 && run.allreduce_bytes > run.bytes_exchanged)
        out += "<p>" +
               decimal_text(static_cast<double>(run.allreduce_bytes) /
                                static_cast<double>(run.bytes_exchanged),
                            1, language) +
               " " + html_text(words.times_less) + "</p>\n";
    return out + "</section>\n";
}

std::string models_table(const StatusSnapshot& snapshot, const StatusWords& words,
                         Language language) {
    Table table(words, words.models, {words.name, words.price, words.shares, words.model_id});
    for (const auto& model : snapshot.models) {
        std::string shares;
        for (const auto& share : model.shares) {
            if (!shares.empty()) shares += "<br>";
            shares +=
                html_text(share.owner) + ": " + decimal_text(share.ppm / 1e4, 2, language) + "%";
        }
        table.row({text(model.name), text(model.price), {shares, "id"}, id(model.id)});
    }
    return table.html();
}

std::string payments_table(const StatusSnapshot& snapshot, const StatusWords& words,
                           Language language) {
    Table table(words, words.payments, {words.height, words.amount, words.why, words.paid_to});
    for (const auto& payment : snapshot.payments)
        table.row({figure(count_text(payment.height, language)), figure(html_text(payment.amount)),
                   text(payment.why), id(payment.to)});
    return table.html();
}

}  // namespace

std::string status_page(const StatusSnapshot& snapshot, Language language) {
    const auto& words = status_words(language);
    const auto title = html_text(words.title) +
                       (snapshot.network.empty() ? "" : " · " + html_text(snapshot.network));
    std::string out = "<!DOCTYPE html>\n<html lang=\"" + std::string(words.tag) +
                      "\">\n<head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                      "<meta http-equiv=\"refresh\" content=\"2\">"
                      "<link rel=\"icon\" href=\"data:,\"><title>" +
                      title + "</title>\n<style>" + std::string(kStyle) +
                      "</style></head>\n<body>\n<h1>" + title + "</h1>\n";
    out += "<p>" + html_text(words.updated) + " " + time_text(snapshot.unix_ms) + " · " +
           size_text(snapshot.stored_bytes, language) + " " + html_text(words.stored) + " · " +
           size_text(snapshot.consensus_bytes, language) + " " +
           html_text(words.consensus_carried) + "</p>\n";
    if (!snapshot.ethereum_url.empty())
        out += "<p>" + html_text(words.for_wallets) + " <code>" + html_text(snapshot.ethereum_url) +
               "</code></p>\n";
    out += nodes_table(snapshot, words, language);
    out += training_section(snapshot, words, language);
    out += objects_table(snapshot, words, language);
    out += models_table(snapshot, words, language);
    out += payments_table(snapshot, words, language);
    out += ledger_tables(snapshot, words, language);
    return out + "</body></html>\n";
}

std::string status_chart(const StatusSnapshot& snapshot, Language language) {
    const auto& words = status_words(language).chart;
    return snapshot.training ? loss_chart_svg(snapshot.training->losses, words)
                             : loss_chart_svg({}, words);
}

}  // namespace mutirao::gateway

#include "cli/training_view.hpp"

#include <cstdio>
#include <iostream>

#include "cli/picture_file.hpp"
#include "gateway/loss_chart.hpp"
#include "os/terminal.hpp"

namespace mutirao::cli {

Status TrainingView::show(const std::vector<v1::ProgressReply>& all, bool finished) {
    const auto& first = all.front();
    if (first.rounds_size() > shown_ || finished) {
        shown_ = first.rounds_size();
        if (shown_ > 0) show_round(all);
        TRY_VOID(draw(first));
    }
    if (finished && !out_.json()) std::cout << std::endl;
    return {};
}

void TrainingView::show_round(const std::vector<v1::ProgressReply>& all) {
    const auto& first = all.front();
    const auto& round = first.rounds(first.rounds_size() - 1);
    double tokens_per_second = 0;
    for (const auto& progress : all)
        if (progress.rounds_size() > 0)
            tokens_per_second += progress.rounds(progress.rounds_size() - 1).tokens_per_second();
    // Both figures are of all workers' uploads together.
    const auto sent = round.bytes_sent() * all.size();
    const auto allreduce = round.allreduce_bytes() * all.size();
    const auto now = clock_.monotonic();
    const double seconds = std::chrono::duration<double>(now - at_).count();
    const double bits =
        at_.count() > 0 && sent > sent_ ? 8 * static_cast<double>(sent - sent_) / seconds : 0;
    at_ = now;
    sent_ = sent;
    out_.facts({{"round", round.round()},
                {"rounds", first.rounds_total()},
                {"train_loss", round.train_loss()},
                {"held_out_loss", round.held_out_loss()},
                {"first_held_out_loss", first.rounds(0).held_out_loss()},
                {"tokens_per_second", tokens_per_second},
                {"upload_bits_per_second", bits},
                {"bytes_sent", sent},
                {"allreduce_bytes", allreduce}});
    if (out_.json()) return;
    char text[256];
    std::snprintf(text, sizeof(text),
                  "round %u/%u  loss %.3f  held out %.3f nats/byte  %.0f tokens/s  up %.2f Mbit/s  "
                  "sent %s (all-reduce: %s)",
                  round.round(), first.rounds_total(), round.train_loss(), round.held_out_loss(),
                  tokens_per_second, bits / 1e6, size_text(sent).c_str(),
                  size_text(allreduce).c_str());
    const bool terminal = os::is_terminal(1);
    std::cout << (terminal ? "\r\033[K" : "") << text << (terminal ? "" : "\n") << std::flush;
}

Status TrainingView::draw(const v1::ProgressReply& first) const {
    if (curve_.empty()) return {};
    std::vector<gateway::LossPoint> points;
    for (const auto& round : first.rounds())
        points.push_back({round.round(), round.train_loss(), round.held_out_loss()});
    auto written = write_picture(curve_, gateway::loss_chart_svg(points));
    if (written.ok()) return {};
    return Error{written.error().kind,
                 "the loss curve cannot be written to " + curve_ + ": " + written.error().message};
}

}  // namespace mutirao::cli

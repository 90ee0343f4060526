// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_room.hpp>

#include "arguments.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "text.hpp"

#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::string id;
    bool answer = false;
    int send = 0;
    std::vector<std::string> body_keys;
    bool json = false;
};

void line(std::string const& name, std::string const& value) {
    std::cout << std::left << std::setw(14) << name << value << '\n';
}

std::string in_words(coffer::fault const& f) {
    auto text = std::string{to_string(f.kind())};
    if (f.status() != 0) text += ", status " + std::to_string(f.status());
    if (!f.code().empty()) text += ", code " + printable(f.code());
    if (!f.request_id().empty()) text += ", request " + printable(f.request_id());
    if (!f.message().empty()) text += ": " + printable(f.message());
    return text;
}

std::string state_in_words(coffer::sqlite::seen_record const& seen) {
    std::string text{to_string(seen.row.state)};
    if (seen.unresolved) text += ", UNRESOLVED: every permitted send is spent and no usable answer is known";
    else if (seen.busy) text += ", somebody is working on it";
    return text;
}

void print_send(coffer::send_record const& s, bool has_body) {
    std::cout << "\nsend " << s.number << ": " << to_string(s.state) << (s.counts() ? "" : " (does not count)") << '\n';
    auto const to = printable(s.provider) + (s.model.empty() ? "" : " " + printable(s.model));
    if (!to.empty()) line("  to", to);
    line("  permitted", iso_time(s.permitted_at));
    line("  ended", iso_time(s.ended_at));
    if (s.reply) {
        line("  status", std::to_string(s.reply->status));
        if (!s.reply->request_id.empty()) line("  request", printable(s.reply->request_id));
        line("  cost", cost_text(s.reply->cost, 1));
        if (auto const& u = s.reply->usage)
            line("  tokens", std::to_string(u->input_fresh + u->input_cache_read + u->input_cache_write_5m +
                                            u->input_cache_write_1h) +
                                 " in, " + std::to_string(u->output) + " out");
        line("  answer", has_body ? "stored (--answer --send " + std::to_string(s.number) + " prints it)" : "dropped");
    }
    if (s.why) line("  fault", in_words(*s.why));
}

void print(coffer::sqlite::reader& file, coffer::sqlite::seen_record const& seen) {
    auto const& row = seen.row;
    line("key", printable(coffer::to_text(seen.id)));
    line("state", state_in_words(seen));
    line("created", iso_time(row.created));
    line("updated", iso_time(row.updated));
    line("expires", row.expires == std::chrono::system_clock::time_point::max() ? "never" : iso_time(row.expires));
    line("claims", std::to_string(row.claims));
    line("sends",
         std::to_string(row.counted_sends()) + " of " + std::to_string(row.allowed_sends()) +
             (row.granted_sends > 0 ? ", " + std::to_string(row.granted_sends) + " granted by operators" : "") +
             ", known cost " + cost_text(row.known_cost(), row.counted_sends()));
    if (row.stored_fault) line("fault", in_words(*row.stored_fault));
    for (auto const& s : row.sends) print_send(s, file.has_body(seen.id, s.number));
    if (seen.unresolved)
        std::cout << "\nTo decide: coffer resolve " << coffer::shell_word(file.path().string()) << " "
                  << printable(coffer::shell_word(coffer::to_text(seen.id)))
                  << " --grant | --abandon | --answer FILE\n";
}

/// The accepted answer, or the last one that was stored.
int print_answer(coffer::sqlite::reader& file, coffer::sqlite::seen_record const& seen, int wanted) {
    auto send = wanted;
    if (auto const* const accepted = seen.row.accepted(); send == 0 && accepted != nullptr) send = accepted->number;
    for (auto s = seen.row.sends.rbegin(); send == 0 && s != seen.row.sends.rend(); ++s)
        if (s->reply) send = s->number;
    auto const body = file.body(seen.id, send);
    if (!body) {
        std::cerr << "coffer: no answer is stored for " << printable(coffer::to_text(seen.id))
                  << (wanted != 0 ? " by send " + std::to_string(wanted) : "") << '\n';
        return nothing_matched;
    }
    std::cout.write(body->data(), static_cast<std::streamsize>(body->size()));
    return ok;
}

int run(request const& r) {
    auto const id = parse_id(r.id);
    coffer::sqlite::reader file{r.file, read_body_keys(r.body_keys)};
    auto const seen = file.find(id);
    if (!seen || seen->id != id) {
        std::cerr << "coffer: there is no such key in " << file.path().string() << '\n';
        return nothing_matched;
    }
    if (r.answer) return print_answer(file, *seen, r.send);
    if (r.json) std::cout << line_of(details_json(*seen)) << '\n';
    else print(file, *seen);
    return ok;
}

}  // namespace

subcommand show_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser =
        app.add_subcommand("show", "all about one key: its state and each of its sends; changes nothing");
    add_file(*parser, r->file);
    parser->add_option("ID", r->id, "the key's name, as `coffer list` prints it")->required();
    auto* const answer =
        parser->add_flag("--answer", r->answer,
                         "prints the stored body of the answer, as it came, and nothing else (it may be confidential)");
    parser->add_option("--send", r->send, "with --answer: of this send, not of the accepted or last one")
        ->type_name("NUMBER")
        ->check(CLI::PositiveNumber)
        ->needs(answer);
    add_body_keys(*parser, r->body_keys)->needs(answer);
    add_json(*parser, r->json)->excludes(answer);
    add_examples(*parser,
                 "  coffer show coffer.db report:9e1c…\n"
                 "  coffer show coffer.db report:9e1c… --answer | jq .choices\n"
                 "  coffer show coffer.db report:9e1c… --answer --send 1 > first-answer.json");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command

// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/outcome.hpp>
#include <coffer/store/record_text.hpp>

#include "arguments.hpp"
#include "command.hpp"
#include "text.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::string id;
    coffer::sqlite::selection which;
    bool all_unresolved = false;
    bool yes = false;
    bool grant = false;
    bool abandon = false;
    std::string answer_file;
    std::vector<std::string> body_keys;

    [[nodiscard]] bool is_bulk() const {
        return all_unresolved || !which.name_space.empty() || which.older_than.count() > 0;
    }
};

coffer::resolution decision(request const& r) {
    if (r.grant) return coffer::grant_send{};
    if (r.abandon) return coffer::abandon{};
    if (std::filesystem::exists(r.answer_file) && !std::filesystem::is_regular_file(r.answer_file))
        throw std::runtime_error{r.answer_file + ": is no regular file; name a file with the provider's answer"};
    std::ifstream file{r.answer_file, std::ios::binary};
    if (!file) throw std::runtime_error{r.answer_file + ": cannot be read"};
    std::string body{std::istreambuf_iterator<char>{file}, {}};
    if (body.empty())
        throw std::runtime_error{r.answer_file +
                                 ": is empty; it has to hold the body of the provider's response, as it came"};
    return coffer::supply_answer{coffer::answer{std::move(body), 200}};
}

int resolve_one(request const& r) {
    auto const id = parse_id(r.id);
    auto const how = decision(r);
    auto const keys = read_body_keys(r.body_keys);
    if (coffer::sqlite::reader file{r.file}; !file.find(id)) {
        std::cerr << "coffer: there is no such key in " << file.path().string() << '\n';
        return nothing_matched;
    } else if (!r.answer_file.empty() && !keys && file.has_sealed_bodies()) {
        throw std::runtime_error{
            "the answers in this store are encrypted, and this one would stand there in the clear; give the key that "
            "the "
            "programs write with: --body-key NAME=FILE"};
    }
    auto const db = open_store(r.file, keys);
    run_to_end(db.resolve(id, how));
    std::cout
        << (r.grant ? "granted one more send: the next run of the job may pay once more\n"
            : r.abandon
                ? "abandoned: the key counts as done, and nothing more is sent until it is forgotten "
                  "(acknowledged_kept, 30 days by default)\n"
                : "answer supplied: the next run of the job reads it; if it cannot, the key is unresolved again\n");
    return ok;
}

coffer::awaitable<void> resolve_each(coffer::sqlite::store db, std::vector<coffer::record_id> ids,
                                     coffer::resolution how, std::size_t& done) {
    for (auto const& id : ids) {
        try {
            co_await db.resolve(id, how);
            ++done;
        } catch (coffer::failure const& e) {
            if (e.fault().kind() == coffer::fault_kind::store_unavailable) throw;
            std::cerr << "coffer: left alone: " << printable(coffer::to_text(id)) << ": "
                      << printable(e.fault().message()) << '\n';
        }
    }
}

int resolve_many(request const& r) {
    auto which = r.which;
    which.unresolved_only = true;
    std::vector<coffer::record_id> ids;
    {
        coffer::sqlite::reader file{r.file};
        file.for_each(which, [&](coffer::sqlite::seen_record const& seen) { return ids.push_back(seen.id), true; });
    }
    auto const what = counted(ids.size(), "unresolved key");
    if (ids.empty()) {
        std::cout << "no unresolved key is like that\n";
        return nothing_matched;
    }
    if (!r.yes) {
        for (auto const& id : ids) std::cout << printable(coffer::to_text(id)) << '\n';
        std::cout << (r.grant ? "would grant one more send, which may be billed, to each of " : "would abandon ")
                  << what << "; nothing was changed. To do it, say --yes as well\n";
        return ok;
    }
    std::size_t done = 0;
    auto const db = open_store(r.file);
    run_to_end(resolve_each(db, ids, decision(r), done));
    std::cout << (r.grant ? "granted one more send to each of " : "abandoned ") << done << " of " << what
              << (r.grant ? ": the next runs of their jobs may pay once more\n"
                          : ": they count as done and nothing more is sent\n");
    return done == ids.size() ? ok : failed;
}

int run(request const& r) {
    if (r.id.empty() == !r.is_bulk())
        throw CLI::ValidationError{"resolve", r.id.empty()
                                                  ? "name a key (its ID), or say which: --all-unresolved, "
                                                    "--namespace, --older-than"
                                                  : "either one ID, or --all-unresolved, --namespace, --older-than"};
    if (r.is_bulk() && !r.answer_file.empty())
        throw CLI::ValidationError{"--answer", "an answer belongs to one key; name its ID"};
    return r.is_bulk() ? resolve_many(r) : resolve_one(r);
}

}  // namespace

subcommand resolve_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "resolve",
        "decides about keys whose permitted sends are spent and whose answer is not known; CHANGES the store");
    add_file(*parser, r->file);
    parser->add_option("ID", r->id, "one key's name, as `coffer list` prints it");
    auto* const how = parser->add_option_group("decision", "exactly one of");
    how->add_flag("--grant", r->grant, "one more send may be made (and may be billed)");
    how->add_flag("--abandon", r->abandon, "nothing more is sent; the key counts as done");
    how->add_option(
           "--answer", r->answer_file,
           "a file with the body of the provider's response as it came (JSON, not the text in it), found in its "
           "console or a log")
        ->type_name("FILE");
    how->require_option(1);
    add_body_keys(*parser, r->body_keys);
    auto* const many = parser->add_option_group("many at once", "shows what it would do, unless --yes is given");
    many->add_flag("--all-unresolved", r->all_unresolved, "every key that waits for an operator");
    add_namespace(*many, r->which.name_space);
    add_older_than(*many, r->which.older_than);
    many->add_flag("--yes", r->yes, "do it");
    add_examples(*parser,
                 "  coffer resolve coffer.db report:9e1c… --grant\n"
                 "  coffer resolve coffer.db report:9e1c… --answer response.json\n"
                 "  coffer resolve coffer.db --all-unresolved --grant                      only shows which\n"
                 "  coffer resolve coffer.db --namespace report --older-than 7d --abandon --yes\n"
                 "\n"
                 "Nothing is sent by this command. A granted send is made by the next run of the job.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command

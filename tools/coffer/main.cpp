// SPDX-License-Identifier: BSL-1.0
// coffer, the command: for whoever has to decide, at three in the morning, about a key that was paid for and has no
// answer. It never sends anything.

#include <coffer/coffer.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite.hpp>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>

namespace {

struct request {
    std::filesystem::path file;
    std::string name_space;
    bool unresolved = false;
    std::string id;
    bool grant = false;
    bool abandon = false;
    std::string answer_file;
};

coffer::sqlite::store open(request const& r) {
    if (!std::filesystem::exists(r.file))
        throw std::runtime_error{r.file.string() + ": no such file; name the store's file, e.g. coffer.db"};
    return coffer::sqlite::store{r.file};
}

coffer::record_id parse(std::string const& text) {
    constexpr std::size_t digest_bytes = 32;
    if (auto id = coffer::record_id_from_text(text); id && id->digest.size() == digest_bytes) return *std::move(id);
    throw std::runtime_error{"'" + text + "' is not a record's name; `coffer list` prints them (namespace:hex)"};
}

std::string cost_of(coffer::record_summary const& record) {
    if (record.known_cost) return "$" + record.known_cost->to_string();
    return record.sends == 0 ? "none" : "unknown";
}

/// A namespace is anybody's text: it must not be able to forge lines or paint the terminal.
std::string printable(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        bool const c1 = c >= 0x80 && c < 0xa0 && i > 0 && static_cast<unsigned char>(text[i - 1]) == 0xc2;  // in UTF-8
        if (c < 0x20 || c == 0x7f || c1) text[i] = '?';
    }
    return text;
}

coffer::awaitable<void> list(request const& r) {
    auto const db = open(r);
    coffer::record_filter filter{r.name_space, r.unresolved};
    filter.limit = std::numeric_limits<std::size_t>::max();
    auto const records = co_await db.list(filter);
    for (auto const& record : records) {
        std::cout << std::left << std::setw(11) << (record.unresolved ? "UNRESOLVED" : coffer::to_string(record.state))
                  << " sends " << std::setw(3) << record.sends << " cost " << cost_of(record) << "  "
                  << printable(coffer::to_text(record.id)) << '\n';
    }
    std::cout << records.size() << (r.unresolved ? " unresolved" : "") << (records.size() == 1 ? " key\n" : " keys\n");
}

coffer::resolution decision(request const& r) {
    if (r.grant) return coffer::grant_send{};
    if (r.abandon) return coffer::abandon{};
    if (std::filesystem::is_directory(r.answer_file))
        throw std::runtime_error{r.answer_file + ": is a directory; name a file with the provider's answer"};
    std::ifstream file{r.answer_file, std::ios::binary};
    if (!file) throw std::runtime_error{r.answer_file + ": cannot be read"};
    std::string body{std::istreambuf_iterator<char>{file}, {}};
    if (body.empty())
        throw std::runtime_error{r.answer_file +
                                 ": is empty; it has to hold the body of the provider's response, as it came"};
    return coffer::supply_answer{coffer::answer{std::move(body), 200}};
}

coffer::awaitable<void> resolve(request const& r) {
    auto const db = open(r);
    auto const id = parse(r.id);
    auto const how = decision(r);
    co_await db.resolve(id, how);
    std::cout
        << (r.grant ? "granted one more send: the next run of the job may pay once more\n"
            : r.abandon
                ? "abandoned: the key counts as done and nothing more is sent\n"
                : "answer supplied: the next run of the job reads it; if it cannot, the key is unresolved again\n");
}

int run(coffer::awaitable<void> work) {
    asio::io_context io;
    std::exception_ptr error;
    auto const ended = [&error](std::exception_ptr e) { error = e; };
    asio::co_spawn(io, std::move(work), ended);
    io.run();
    if (error) std::rethrow_exception(error);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Looks into a coffer store and resolves keys that wait for an operator. Never sends anything.",
                 "coffer"};
    app.set_version_flag("--version", COFFER_VERSION_STRING);
    app.require_subcommand(1);
    request r;

    auto* const lister = app.add_subcommand("list", "prints the store's keys, oldest first");
    lister->add_option("FILE", r.file, "the store's file")->required();
    lister->add_option("--namespace", r.name_space, "only keys whose first part is this");
    lister->add_flag("--unresolved", r.unresolved, "only keys that wait for an operator");

    auto* const resolver = app.add_subcommand(
        "resolve", "decides about a key whose permitted sends are spent and whose answer is not known");
    resolver->add_option("FILE", r.file, "the store's file")->required();
    resolver->add_option("ID", r.id, "the key's name, as `coffer list` prints it")->required();
    auto* const how = resolver->add_option_group("decision", "exactly one of");
    how->add_flag("--grant", r.grant, "one more send may be made (and may be billed)");
    how->add_flag("--abandon", r.abandon, "nothing more is sent; the key counts as done");
    how->add_option(
        "--answer", r.answer_file,
        "a file with the body of the provider's response as it came (JSON, not the text in it), found in its "
        "console or a log");
    how->require_option(1);
    CLI11_PARSE(app, argc, argv);

    try {
        return run(lister->parsed() ? list(r) : resolve(r));
    } catch (coffer::failure const& error) {
        std::cerr << "coffer: " << printable(std::string{error.fault().message()}) << '\n';
        return 1;
    } catch (std::exception const& error) {
        std::string const text = error.what();
        std::cerr << (text.starts_with("coffer") ? "" : "coffer: ") << text << '\n';
        return 1;
    }
}

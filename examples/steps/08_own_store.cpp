// SPDX-License-Identifier: BSL-1.0
// A store of one's own, around one that there is: nothing is sent that is not written into the auditors' file first.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/forwarding_backend.hpp>
#include <coffer/store/sqlite.hpp>

#include <fstream>
#include <iostream>
#include <string>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

/// Overrides what it has to see; all else is done by the store inside. Called from any thread.
class audited : public coffer::forwarding_backend {
public:
    audited(coffer::store const& inner, std::string file) : forwarding_backend{inner}, file_{std::move(file)} {}

    result<coffer::permitted> permit(coffer::claim_ref const& claim, coffer::permit_request const& what,
                                     std::span<coffer::ledger_op const> money) override {
        if (!write(claim.record.name_space + " asks " + what.provider + "/" + what.model))
            return result<coffer::permitted>::ready(
                coffer::failed(coffer::fault_kind::store_unavailable, "the auditors' file cannot be written"));
        return forwarding_backend::permit(claim, what, money);
    }
    result<void> submit_answer(coffer::claim_ref const& claim, int send, coffer::shared_answer const& what) override {
        write(claim.record.name_space + " pays $" + (what->cost ? what->cost->to_string() : "?"));
        return forwarding_backend::submit_answer(claim, send, what);  // whatever happens: the answer is paid for
    }

private:
    bool write(std::string const& line) const { return bool(std::ofstream{file_, std::ios::app} << line << std::endl); }
    std::string file_;
};

int main(int argc, char** argv) {
    if (argc != 3) return std::cerr << "usage: ask <auditors' file> <question>\n", 2;
    coffer::store const db{std::make_shared<audited>(coffer::sqlite::store{"answers.db"}, argv[1])};
    coffer::blocking_client client;
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};
    auto const ask = coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(openai.chat);

    auto const request = llm::request{"gpt-4o-mini"}.user(argv[2]).max_output_tokens(200);
    auto const reply = client.try_run(ask, coffer::call{coffer::key{"audited", argv[2]}, 2min}, request);
    if (reply) std::cout << reply->text << '\n';
    else std::cout << "no answer: " << reply.error() << '\n';
}
//! [program]

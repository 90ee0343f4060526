// SPDX-License-Identifier: BSL-1.0
#include "http/request_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace provider_sim {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t max_head_bytes = 256 * 1024;

template <class View>
std::string text(View view) {
    return {view.data(), view.size()};
}

std::string lower(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    return name;
}

}  // namespace

struct request_parser::beast {
    http::request_parser<http::string_body> parser;
};

request_parser::request_parser(std::int64_t max_body_bytes) : beast_{std::make_unique<beast>()} {
    beast_->parser.header_limit(max_head_bytes);
    beast_->parser.body_limit(static_cast<std::uint64_t>(max_body_bytes));
}

request_parser::~request_parser() = default;

request_parser::state request_parser::advance(std::string& bytes) {
    auto& parser = beast_->parser;
    bool const had_head = parser.is_header_done();
    if (!bytes.empty()) started_ = true;

    while (state_ != state::broken && !parser.is_done() && !bytes.empty()) {
        boost::system::error_code error;
        auto const used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        bytes.erase(0, used);
        if (error == http::error::need_more) break;
        if (error) {
            state_ = state::broken;
            problem_ = error.message();
            problem_status_ = error == http::error::body_limit ? 413 : error == http::error::header_limit ? 431 : 400;
            return state_;
        }
        if (!had_head && parser.is_header_done()) break;  // the body waits for the faults that strike before it
    }

    if (!had_head && parser.is_header_done()) take_head();
    if (parser.is_header_done()) body_bytes_ = parser.get().body().size();
    if (parser.is_done()) {
        state_ = state::complete;
        request_.body = std::move(parser.get().body());
    } else if (parser.is_header_done()) {
        state_ = state::reading_body;
    }
    return state_;
}

void request_parser::take_head() {
    auto const& message = beast_->parser.get();
    request_.method = text(message.method_string());
    auto const target = text(message.target());
    auto const mark = target.find('?');
    request_.path = target.substr(0, mark);
    if (mark != std::string::npos) request_.query = target.substr(mark + 1);
    request_.version = static_cast<int>(message.version());
    for (auto const& field : message)
        request_.headers.emplace_back(lower(text(field.name_string())), text(field.value()));
    request_.keep_alive = beast_->parser.keep_alive();
    request_.has_body = !beast_->parser.is_done();
    request_.expects_continue = lower(request_.header_or_empty("expect")) == "100-continue";
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
#include "support/wire_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace provider_sim::test {
namespace {

constexpr int patience_ms = 20'000;

std::string lower(std::string text) {
    for (auto& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return text;
}

// The end of the response in `bytes`, or npos if it is not whole yet. Fills in what is there.
std::size_t parse(std::string_view bytes, wire_response& response) {
    auto const head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return head_end;
    response = {};
    response.head = std::string{bytes.substr(0, head_end + 4)};
    response.status = std::atoi(response.head.substr(response.head.find(' ') + 1, 3).c_str());
    for (auto at = response.head.find("\r\n") + 2; at + 2 < response.head.size();) {
        auto const end = response.head.find("\r\n", at);
        auto const colon = response.head.find(": ", at);
        response.headers.emplace_back(lower(response.head.substr(at, colon - at)),
                                      response.head.substr(colon + 2, end - colon - 2));
        at = end + 2;
    }
    auto at = head_end + 4;
    if (response.status < 200) return at;
    if (response.header("transfer-encoding") != "chunked") {
        auto const length = static_cast<std::size_t>(std::atoll(response.header("content-length").c_str()));
        if (bytes.size() < at + length) return std::string_view::npos;
        response.body = std::string{bytes.substr(at, length)};
        return at + length;
    }
    while (true) {
        auto const line_end = bytes.find("\r\n", at);
        if (line_end == std::string_view::npos) return line_end;
        auto const size = std::strtoul(std::string{bytes.substr(at, line_end - at)}.c_str(), nullptr, 16);
        if (bytes.size() < line_end + 2 + size + 2) return std::string_view::npos;
        response.body.append(bytes.substr(line_end + 2, size));
        at = line_end + 2 + size + 2;
        if (size == 0) return at;
    }
}

}  // namespace

std::string wire_response::header(std::string_view name) const {
    auto const values = all(name);
    return values.empty() ? std::string{} : values.front();
}

std::vector<std::string> wire_response::all(std::string_view name) const {
    std::vector<std::string> values;
    for (auto const& [have, value] : headers)
        if (have == name) values.push_back(value);
    return values;
}

wire_client::wire_client(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
        throw std::runtime_error{"the simulator does not accept"};
}

wire_client::~wire_client() { close(); }

void wire_client::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

bool wire_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool wire_client::fill() {
    pollfd waiting{fd_, POLLIN, 0};
    end_ = stopped_by::silence;
    if (::poll(&waiting, 1, patience_ms) <= 0) return false;
    std::array<char, 16384> bytes{};
    auto const n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (n <= 0) {
        end_ = n == 0 ? stopped_by::fin : stopped_by::rst;
        return false;
    }
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
    return true;
}

std::string wire_client::receive(std::size_t size) {
    if (buffer_.empty()) fill();
    auto const taken = buffer_.substr(0, size);
    buffer_.erase(0, taken.size());
    return taken;
}

wire_bytes wire_client::receive_all() {
    while (fill()) {
    }
    return {std::move(buffer_), end_};
}

wire_response wire_client::response() {
    wire_response response;
    auto end = parse(buffer_, response);
    while (end == std::string::npos) {
        if (!fill()) throw std::runtime_error{"the response does not come whole; so far: " + buffer_};
        end = parse(buffer_, response);
    }
    buffer_.erase(0, end);
    return response;
}

bool wire_client::readable() const {
    pollfd waiting{fd_, POLLIN, 0};
    return !buffer_.empty() || ::poll(&waiting, 1, 0) > 0;
}

std::string post(std::string_view target, std::string_view body, std::string_view headers) {
    return "POST " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
           std::string{headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

std::string get(std::string_view target, std::string_view headers) {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{headers} + "\r\n";
}

std::string chat_body(std::string_view content, std::string_view model) {
    json const message{{"role", "user"}, {"content", content}};
    return json{{"model", model}, {"messages", json::array({message})}}.dump();
}

std::string chat(std::string_view content, std::string_view headers) {
    return post("/v1/chat/completions", chat_body(content), headers);
}

wire_response parse_response(std::string_view bytes) {
    wire_response response;
    if (parse(bytes, response) == std::string_view::npos)
        throw std::runtime_error{"no whole response: " + std::string{bytes}};
    return response;
}

}  // namespace provider_sim::test

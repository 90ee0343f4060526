// SPDX-License-Identifier: BSL-1.0
#pragma once
// A client that sees the wire as it is: plain blocking sockets, so that FIN, RST and silence stay three things.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace provider_sim::test {

struct wire_response {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;                                          // decoded, if it was chunked
    std::string head;                                          // as it came

    [[nodiscard]] std::string header(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
    [[nodiscard]] json parsed() const { return json::parse(body); }
};

/// How a stream of bytes stopped.
enum class stopped_by { fin, rst, silence };

struct wire_bytes {
    std::string bytes;
    stopped_by end = stopped_by::silence;
};

class wire_client {
public:
    explicit wire_client(std::uint16_t port);
    ~wire_client();
    wire_client(wire_client const&) = delete;
    wire_client& operator=(wire_client const&) = delete;

    /// False if the peer is gone.
    bool send(std::string_view bytes);

    /// Up to `size` bytes, waiting for the first; nothing at the end of the stream.
    std::string receive(std::size_t size);

    /// Everything until FIN, RST, or 20 s without a byte.
    wire_bytes receive_all();

    /// One whole response; what follows stays for the next. Throws std::runtime_error if it does not come whole.
    wire_response response();

    /// Is there anything to read, an end of the stream included? Does not wait.
    [[nodiscard]] bool readable() const;

    /// FIN towards the simulator.
    void close();

private:
    bool fill();

    int fd_ = -1;
    std::string buffer_;
    stopped_by end_ = stopped_by::silence;
};

/// `POST target` with these header lines (each "name: value\r\n") and this body.
std::string post(std::string_view target, std::string_view body, std::string_view headers = {});
std::string get(std::string_view target, std::string_view headers = {});

/// A small chat completion request.
std::string chat_body(std::string_view content = "hello there", std::string_view model = "gpt-4o-mini");
std::string chat(std::string_view content = "hello there", std::string_view headers = {});

/// Cuts a response out of bytes that hold all of it.
wire_response parse_response(std::string_view bytes);

}  // namespace provider_sim::test

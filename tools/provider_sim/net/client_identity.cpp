// SPDX-License-Identifier: BSL-1.0
#include "net/client_identity.hpp"

#include <charconv>

#include "base/bad_input.hpp"

namespace provider_sim {
namespace {

std::optional<std::int64_t> header_pid(http_request const& request) {
    auto const text = request.header("x-sim-pid");
    if (!text) return std::nullopt;
    std::int64_t pid = 0;
    auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), pid);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return pid;
}

}  // namespace

std::optional<std::int64_t> pid_of(http_request const& request, client_binding const& binding) {
    if (auto const pid = header_pid(request)) return pid;
    if (binding.bound) return binding.bound->pid();
    return std::nullopt;
}

std::optional<process> process_of(http_request const& request, client_binding const& binding, std::string& why) {
    try {
        if (auto const pid = header_pid(request)) return process::find(*pid);
    } catch (bad_input const& error) {
        why = error.what();
        return std::nullopt;
    }
    if (!binding.bound) why = "no pid known: POST /control/hello, or send x-sim-pid";
    return binding.bound;
}

}  // namespace provider_sim

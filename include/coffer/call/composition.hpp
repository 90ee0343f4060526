// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a pipeline is made of, as text: a line for each policy, first = outermost, and where the call goes in the end.
//
//     std::cout << ask << '\n';
//
//     once(coffer.db)
//     retry(4 attempts)
//     circuit_breaker(closed)
//     -> openai(gpt-4o-mini)
//
// A policy or operation of one's own says what it is with a member `describe`; without it its `name` is printed, or that of
// its type:
//
//     void describe(coffer::composition& to) const { to.name("parachute").with("at most", most_).now("packed"); }

#include <coffer/base/duration_text.hpp>
#include <coffer/base/number_text.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Text in the making, a line for each: its name, what it is set to, and after a semicolon how it is at the moment. What is
/// written into it is printed and logged: no secrets, and nothing of what users or providers have said. Control characters
/// become `?`. One thread.
class composition {
public:
    composition() = default;

    /// Begins a line. What has no name of its own is called by its type.
    composition& name(std::string_view who);

    // What it is set to, in the order in which it is said. Best only what is not as usual.

    /// A setting in words: `with("a rule")`.
    composition& with(std::string_view words) { return add(set_, ", ", words); }
    /// A setting and its value, with a space between them.
    composition& with(std::string_view option, std::string_view value);
    /// A duration in the unit that fits: `250 ms`, `5 min`.
    composition& with(std::string_view option, std::chrono::nanoseconds value) {
        return with(option, detail::duration_text(value));
    }
    /// A number, as short as it can be written.
    template <detail::number Number>
    composition& with(std::string_view option, Number value) {
        return with(option, detail::number_text(value));
    }
    /// Only if it is not as usual.
    template <class Value>
    composition& with_other(std::string_view option, Value const& value, Value const& usual) {
        return value == usual ? *this : with(option, value);
    }

    /// How it is right now.
    composition& now(std::string_view words) { return add(now_, ", ", words); }

    /// What `fn` writes stands further in, behind `mark`.
    template <class Fn>
    composition& inside(std::string_view mark, Fn const& fn) {
        flush();
        auto const before = indent_;
        indent_ += "  ";
        first_ = indent_ + std::string{mark};
        indent_.append(mark.size(), ' ');
        fn();
        flush();
        first_.clear();
        indent_ = before;
        return *this;
    }
    /// Its line, the next one, is where the call goes in the end.
    composition& end() {
        flush();
        arrow_ = true;
        return *this;
    }

    /// All of it, without a line feed at the end.
    [[nodiscard]] std::string text() && {
        flush();
        return std::move(text_);
    }

    // For whoever asks a policy: the name of one that does not give any.
    /// Says what the next line is called if nothing gives it a name.
    void unless_named(std::string_view who) {
        flush();
        usual_name_ = who;
    }
    /// Ends the description of one policy.
    void done();

private:
    void open_line();
    composition& add(std::string& to, std::string_view separator, std::string_view words);
    void flush();

    std::string text_;
    std::string indent_, first_;
    std::string name_, set_, now_;
    std::string usual_name_;
    bool open_ = false;
    bool arrow_ = false;
};

/// It says itself what it is.
template <class T>
concept described_in_words = requires(T const& t, composition& to) { t.describe(to); };

namespace detail {

/// The name of a type without namespaces and arguments, also without RTTI. The compilers agree on it, except for closures.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
    std::string_view text{__PRETTY_FUNCTION__};
    auto const begin = text.find("T = ");
    if (begin == std::string_view::npos) return "policy";
    text.remove_prefix(begin + 4);
    text = text.substr(0, text.find(';'));  // GCC goes on with what std::string_view is
    if (text.ends_with(']')) text.remove_suffix(1);
    if (text.find("lambda") != std::string_view::npos) return "a lambda";
    if (text.find('(') != std::string_view::npos && text.ends_with(')')) return "a function";
    // Of `a::b<c::d>::e<f>` only `e` is asked for.
    std::size_t depth = 0, from = 0, to = text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '<' && depth++ == 0) to = i;
        else if (text[i] == '>') --depth;
        else if (text[i] == ':' && depth == 0) from = i + 1, to = text.size();
    }
    return text.substr(from, to - from);
}

/// Anybody's own words, else name, else type.
template <class T>
void describe_into(composition& to, T const& what) {
    if constexpr (std::is_pointer_v<T>) to.unless_named("a function");
    else if constexpr (requires { std::string_view{what.name()}; }) to.unless_named(what.name());
    else if constexpr (requires { std::string_view{what.name}; }) to.unless_named(what.name);
    else to.unless_named(type_name<T>());
    if constexpr (described_in_words<T>) what.describe(to);
    to.done();
}

}  // namespace detail

/// The text, as it is at the moment: a line for each policy, outermost first, and where the call goes. Any thread, while
/// calls run.
template <described_in_words T>
[[nodiscard]] std::string to_string(T const& what) {
    composition all;
    detail::describe_into(all, what);
    return std::move(all).text();
}
/// The same text, printed.
template <class Char, class Traits, described_in_words T>
    requires std::same_as<Char, char>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, T const& what) {
    return out << std::string_view{to_string(what)};
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/composition.ipp>
#endif

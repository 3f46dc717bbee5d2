// --help in 80 columns.
#ifndef TOOLS_MACE_RUN_HELP_FORMAT_H_
#define TOOLS_MACE_RUN_HELP_FORMAT_H_

#include <CLI/CLI.hpp>
#include <string>

namespace mace_run {

inline constexpr size_t kHelpColumns = 80;

// `text` in lines of at most `columns`, each but the first after `indent` blanks.
std::string Wrapped(const std::string& text, size_t indent, size_t columns);

// A flag and its value (CLI::Option::option_text), then what it does, wrapped.
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
};

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_HELP_FORMAT_H_

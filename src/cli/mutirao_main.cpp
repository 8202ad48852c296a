#include "cli/commands.hpp"

int main(int argc, char** argv) { return mutirao::cli::run(argc, argv); }

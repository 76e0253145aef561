using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace PgMigration.Cmdlets;

/// <summary>What a script block must heed to run in a session of our own: found before a cutover begins, not in the middle of it.</summary>
internal static class ScriptBlockRules
{
    private static readonly HashSet<string> Automatic = new(StringComparer.OrdinalIgnoreCase)
    {
        "_", "args", "null", "true", "false", "input", "error", "LASTEXITCODE", "PSItem", "PSVersionTable", "HOME", "PID", "PWD", "IsLinux", "IsWindows", "IsMacOS",
        "IsCoreCLR", "ErrorActionPreference", "ProgressPreference", "WarningPreference", "VerbosePreference", "MyInvocation", "PSScriptRoot", "Matches", "foreach", "switch", "this", "?", "OFS", "Host", "PSCmdlet", "PSBoundParameters", "PSNativeCommandUseErrorActionPreference",
    };

    /// <exception cref="MigrationException"><c>ScriptBlockNotSelfContained</c>, <c>ScriptBlockExits</c>.</exception>
    public static void Check(string name, ScriptBlock block, Runspace session)
    {
        if (ForeignVariable(block) is { } variable)
        {
            throw new MigrationException("ScriptBlockNotSelfContained", MigrationErrorKind.InvalidArgument,
                $"The script block {name} uses ${variable}, which it does not set; it runs in a session of its own and sees no variable of yours. Take it as a parameter (param(${variable})) and pass it with -ArgumentList.");
        }

        if (ForeignCommand(block, session) is { } command)
        {
            throw new MigrationException("ScriptBlockNotSelfContained", MigrationErrorKind.InvalidArgument,
                $"The script block {name} calls '{command}', which its session does not know: it sees no function of yours. Define it within the block, or give a program by its path.");
        }

        if (block.Ast.Find(ast => ast is ExitStatementAst, searchNestedScriptBlocks: true) is not null)
        {
            throw new MigrationException("ScriptBlockExits", MigrationErrorKind.InvalidArgument, $"The script block {name} uses exit, which says nothing to its caller here. Use throw for a failure, return for an early end.");
        }
    }

    private static string? ForeignCommand(ScriptBlock block, Runspace session)
    {
        var own = block.Ast.FindAll(ast => ast is FunctionDefinitionAst, searchNestedScriptBlocks: true).Cast<FunctionDefinitionAst>()
            .Select(function => function.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (string command in block.Ast.FindAll(ast => ast is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>()
            .Select(command => command.GetCommandName()).Where(command => command is not null && !own.Contains(command)).Distinct())
        {
            using var ask = PowerShell.Create();
            ask.Runspace = session;
            if (ask.AddCommand("Get-Command").AddParameter("Name", WildcardPattern.Escape(command)).AddParameter("ErrorAction", ActionPreference.Ignore).Invoke().Count == 0)
            {
                return command;
            }
        }

        return null;
    }

    private static string? ForeignVariable(ScriptBlock block)
    {
        var known = block.Ast.FindAll(ast => ast is ParameterAst or AssignmentStatementAst or ForEachStatementAst, searchNestedScriptBlocks: true)
            .SelectMany(ast => ast switch
            {
                ParameterAst parameter => [parameter.Name],
                ForEachStatementAst loop => [loop.Variable],
                AssignmentStatementAst assignment => assignment.Left.FindAll(left => left is VariableExpressionAst, searchNestedScriptBlocks: false).Cast<VariableExpressionAst>(),
                _ => Enumerable.Empty<VariableExpressionAst>(),
            })
            .Select(variable => variable.VariablePath.UserPath).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return block.Ast.FindAll(ast => ast is VariableExpressionAst, searchNestedScriptBlocks: true).Cast<VariableExpressionAst>()
            .Select(variable => variable.VariablePath)
            .FirstOrDefault(path => !path.IsDriveQualified && !known.Contains(path.UserPath) && !Automatic.Contains(path.UserPath))?.UserPath;
    }
}

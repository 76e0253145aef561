using System.Management.Automation;
using System.Management.Automation.Host;

namespace PgMigration.Cmdlets;

/// <summary>Asks what -WhatIf and -Confirm ask, and knows when there is nobody to answer.</summary>
/// <remarks>
/// Without a terminal pwsh prints its question all the same, reads the end of standard input and fails with a NullReferenceException;
/// with -NonInteractive it says that it may not ask, but not how to answer beforehand.
/// </remarks>
internal static class Confirmation
{
    /// <summary>The answer; null when the cmdlet would have to ask and the session cannot.</summary>
    public static bool? Ask(PSCmdlet cmdlet, string target, string action)
    {
        if (IsPwshWithoutTerminal(cmdlet.Host) && WouldAsk(cmdlet))
        {
            return null;
        }

        try
        {
            return cmdlet.ShouldProcess(target, action);
        }
        catch (Exception failure) when (failure is HostException or PSInvalidOperationException or PSNotImplementedException or NotImplementedException or NullReferenceException)
        {
            return null;
        }
    }

    /// <summary>The error for a question that cannot be asked.</summary>
    public static MigrationException Impossible(InvocationInfo invocation, string target, string action) => new("ConfirmationImpossible", MigrationErrorKind.InvalidOperation,
        $"{invocation.MyCommand.Name} asks before it does this, and this session has no terminal to ask at: {action}: {target}. Nothing was changed. "
        + "Run it again with -Confirm:$false to do it without a question, or with -WhatIf to see what would be done.");

    private static bool IsPwshWithoutTerminal(PSHost host) => host.Name == "ConsoleHost" && Console.IsInputRedirected;

    // as the engine decides it: about_Preference_Variables, $ConfirmPreference
    private static bool WouldAsk(PSCmdlet cmdlet)
    {
        if (Given(cmdlet, "WhatIf") ?? LanguagePrimitives.IsTrue(cmdlet.GetVariableValue("WhatIfPreference")))
        {
            return false;
        }

        var impact = cmdlet.GetType().GetCustomAttributes(typeof(CmdletAttribute), inherit: false).Cast<CmdletAttribute>().Single().ConfirmImpact;
        return Given(cmdlet, "Confirm")
            ?? (LanguagePrimitives.TryConvertTo(cmdlet.GetVariableValue("ConfirmPreference"), out ConfirmImpact preference) && preference != ConfirmImpact.None && impact >= preference);
    }

    private static bool? Given(PSCmdlet cmdlet, string parameter) =>
        cmdlet.MyInvocation.BoundParameters.TryGetValue(parameter, out object? value) ? LanguagePrimitives.IsTrue(value) : null;
}

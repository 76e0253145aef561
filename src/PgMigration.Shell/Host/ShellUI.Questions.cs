using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace PgMigration.Shell;

// what -Confirm, missing mandatory parameters and credentials ask
internal sealed partial class ShellUI
{
    public override string ReadLine() => Read("a line", Console.In.ReadLine);

    public override SecureString ReadLineAsSecureString() => Read("a secret", ReadSecret);

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
    {
        ShowQuestion(caption, message);
        var answers = new Dictionary<string, PSObject>();
        foreach (var field in descriptions)
        {
            bool isSecret = field.ParameterTypeFullName == typeof(SecureString).FullName;
            bool isList = field.ParameterTypeFullName.EndsWith("[]", StringComparison.Ordinal);
            answers[field.Name] = PSObject.AsPSObject(isSecret ? Ask(field.Name, ReadSecret) : isList ? AskSeveral(field.Name) : Ask(field.Name, Console.In.ReadLine));
        }

        return answers;
    }

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        ShowQuestion(caption, message);
        var keys = choices.Select(choice => choice.Label.IndexOf('&', StringComparison.Ordinal) is >= 0 and var at ? choice.Label[at + 1].ToString() : choice.Label).ToArray();
        string menu = string.Join("  ", choices.Select((choice, i) => $"[{keys[i]}] {choice.Label.Replace("&", string.Empty, StringComparison.Ordinal)}"));
        string question = defaultChoice >= 0 ? $"{menu} (default is \"{keys[defaultChoice]}\")" : menu;
        while (true)
        {
            string answer = Ask(question, Console.In.ReadLine).Trim();
            int chosen = answer.Length == 0 ? defaultChoice : Array.FindIndex(keys, key => key.Equals(answer, StringComparison.OrdinalIgnoreCase));
            if (chosen < 0)
            {
                chosen = choices.ToList().FindIndex(choice => choice.Label.Replace("&", string.Empty, StringComparison.Ordinal).Equals(answer, StringComparison.OrdinalIgnoreCase));
            }

            if (chosen >= 0)
            {
                return chosen;
            }
        }
    }

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName)
    {
        ShowQuestion(caption, message);
        string user = string.IsNullOrEmpty(userName) ? Ask("User", Console.In.ReadLine) : userName;
        return new PSCredential(user, Ask($"Password for user {user}", ReadSecret));
    }

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
        PromptForCredential(caption, message, userName, targetName);

    private void ShowQuestion(string caption, string message)
    {
        Refuse("an answer");
        foreach (string text in new[] { caption, message }.Where(text => !string.IsNullOrWhiteSpace(text)))
        {
            WriteLine(text);
        }
    }

    private T Ask<T>(string label, Func<T?> read)
        where T : class
    {
        Write($"{label}: ");
        return Read($"an answer to '{label}'", read);
    }

    private string[] AskSeveral(string name)
    {
        var values = new List<string>();
        while (Ask(string.Create(CultureInfo.InvariantCulture, $"{name}[{values.Count}]"), Console.In.ReadLine) is { Length: > 0 } value)
        {
            values.Add(value);
        }

        return [.. values];
    }

    private T Read<T>(string wanted, Func<T?> read)
        where T : class
    {
        Refuse(wanted);
        return read() ?? throw new HostException($"The script asks for {wanted}, but standard input has ended: give the value as an argument, or -Confirm:$false for a confirmation.");
    }

    private void Refuse(string wanted)
    {
        if (nonInteractive)
        {
            throw new HostException($"The script asks for {wanted}, but runs with -NonInteractive: give the value as an argument, or -Confirm:$false for a confirmation.");
        }
    }

    private static SecureString? ReadSecret()
    {
        var secret = new SecureString();
        if (Console.IsInputRedirected)
        {
            string? line = Console.In.ReadLine();
            Array.ForEach((line ?? string.Empty).ToCharArray(), secret.AppendChar);
            return line is null ? null : secret;
        }

        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace && secret.Length > 0)
            {
                secret.RemoveAt(secret.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                secret.AppendChar(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return secret;
    }
}

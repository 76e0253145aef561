using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PgMigration.Cmdlets.Tests;

/// <summary>
/// The output of every cmdlet is piped into every cmdlet, live, selected, remoted and as JSON: it binds to what a person means, or it is refused in words.
/// </summary>
public sealed class PipelinePairTests : IDisposable
{
    // What a person pipes, and the text by which the outcome shows that the right part of the object arrived.
    private static readonly Dictionary<string, string[]> Meant = new()
    {
        ["WalBackup"] = ["Get-WalBackup: /nowhere/archive", "Test-WalArchive: /nowhere/archive", "Start-WalRestore: /nowhere/archive"],
        ["WalArchiveReport"] = ["Get-WalBackup: /nowhere/archive", "Test-WalArchive: /nowhere/archive", "Start-WalRestore: /nowhere/archive"],
        ["WalLink"] = [
            "Get-WalBackup: /nowhere/archive", "Test-WalArchive: /nowhere/archive", "Get-WalRestore: /nowhere/data", "Stop-WalRestore: /nowhere/data",
            "Get-ReplicationLag: 127.0.0.1:1", "Wait-ReplicationLag: 127.0.0.1:1", "Invoke-Cutover: FenceSource", "Resume-Cutover: /nowhere/journal", "Undo-Cutover: /nowhere/journal",
            "Get-PgSequence: 127.0.0.1:1", "Repair-PgSequence: 127.0.0.1:1", "Test-PgServer: 127.0.0.1:1"],
        ["DmsLink"] = [
            "Get-ReplicationLag: The region of DMS", "Wait-ReplicationLag: The region of DMS", "Invoke-Cutover: FenceSource", "Resume-Cutover: /nowhere/journal", "Undo-Cutover: /nowhere/journal",
            "Get-PgSequence: 127.0.0.1:1", "Repair-PgSequence: 127.0.0.1:1", "Test-PgServer: 127.0.0.1:1",
            "Get-PgDmsReplication: no-such-profile", "Stop-PgDmsReplication: WhatIf", "Remove-PgDmsReplication: WhatIf"],
        ["PgServerReport"] = ["Get-PgSequence: 127.0.0.1:1", "Repair-PgSequence: 127.0.0.1:1", "Test-PgServer: 127.0.0.1:1"],
        ["CutoverReport"] = ["Get-PgSequence: 127.0.0.1:1", "Repair-PgSequence: 127.0.0.1:1", "Test-PgServer: 127.0.0.1:1"],
        ["MigrationGate"] = ["Test-MigrationGate: 127.0.0.1:1", "Wait-MigrationGate: 127.0.0.1:1"],
        ["LocalDmsServer"] = ["Stop-LocalDms: WhatIf"],
        ["PgServer"] = ["Get-PgSequence: 127.0.0.1:1", "Repair-PgSequence: 127.0.0.1:1", "Test-PgServer: 127.0.0.1:1"],
    };

    // Without a type a report of a cutover is not told from other objects that have a Target.
    private static readonly string[] NotAsJson = ["CutoverReport"];

    // A gate that came from elsewhere has lost what it asks.
    private static readonly string[] LiveOnly = ["MigrationGate"];

    private static readonly string[] Refusals = [
        "InputNotSupported", "InputMissing", "InputObjectNotBound", "ParameterArgumentTransformationError", "ParameterArgumentTransformationErrorNullNotAllowed", "ServerTextInvalid", "LinkNotSupported", "JournalNotFound"];

    private static readonly Dictionary<string, string> Parameters = new()
    {
        ["Start-WalRestore"] = "-DataDirectory /nowhere/data",
        ["Wait-ReplicationLag"] = "-Below 1MB -Timeout 10ms -WarningAction Ignore",
        ["Get-ReplicationLag"] = "-WarningAction Ignore",
        ["Invoke-Cutover"] = "-App $app -WhatIf",
        ["Resume-Cutover"] = "-App $app -Journal /nowhere/journal -Confirm:$false",
        ["Undo-Cutover"] = "-App $app -Journal /nowhere/journal -Confirm:$false",
        ["Get-PgDmsReplication"] = "-ProfileName no-such-profile -Region eu-central-1",
        ["Stop-PgDmsReplication"] = "-Confirm:$false -WhatIf",
        ["Remove-PgDmsReplication"] = "-Confirm:$false -WhatIf",
        ["Repair-PgSequence"] = "-WhatIf",
        ["Stop-WalRestore"] = "-Confirm:$false",
        ["Stop-LocalDms"] = "-WhatIf",
        ["Wait-MigrationGate"] = "-Timeout 10ms",
    };

    private readonly HostedEngine _engine = HostedEngine.WithModule();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void No_parameter_takes_whatever_has_a_property_of_its_name() => Assert.Empty(_engine.Run("""
        foreach ($command in Get-Command -Module PgMigration) {
            foreach ($parameter in $command.Parameters.Values) {
                if (@($parameter.Attributes).Where{ $_ -is [Management.Automation.ParameterAttribute] -and $_.ValueFromPipelineByPropertyName }) { "$($command.Name) -$($parameter.Name)" }
            }
        }
        """));

    [Fact]
    public void Each_output_binds_to_what_a_person_means_or_is_refused()
    {
        _engine.Run("$app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /nowhere/pgbouncer.ini");
        var takers = _engine.Run("Get-Command -Module PgMigration | ForEach-Object { if (@($_.Parameters.Values.Attributes).Where{ $_.ValueFromPipeline }) { $_.Name } }").Select(name => (string)name.BaseObject).ToList();
        var outputs = _engine.Run("Get-Command -Module PgMigration").SelectMany(command => ((CmdletInfo)command.BaseObject).OutputType).Select(output => output.Type!).Distinct().Where(type => !type.IsAbstract && type != typeof(bool)).ToList();
        List<(string Name, PSObject Object)> samples = [.. outputs.Select(type => (type.Name, Filled(type))),
            ("MigrationGate", _engine.Run("New-MigrationGate -Http http://127.0.0.1:1/")[0]), ("PgServer", Server()), ("MigrationApp", _engine.Run("$app")[0])];
        Assert.Empty(Meant.Keys.Except(samples.Select(sample => sample.Name)));
        Assert.Empty(Meant.Values.SelectMany(pairs => pairs).Select(pair => pair.Split(':')[0]).Except(takers));

        var wrong = new List<string>();
        foreach (var (name, sample) in samples)
        {
            foreach (var (form, piped) in Forms(sample, LiveOnly.Contains(name)))
            {
                var meant = NotAsJson.Contains(name) && form == "json" ? [] : Meant.GetValueOrDefault(name) ?? [];
                wrong.AddRange(takers.Select(taker => Mistake(taker, piped, meant.SingleOrDefault(pair => pair.StartsWith(taker + ":", StringComparison.Ordinal))) is { } mistake ? $"{form} {name} | {taker}: {mistake}" : null).OfType<string>());
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void What_is_not_ours_is_refused()
    {
        _engine.Run("$app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:1/pgbouncer -Database shop -ConfigFile /nowhere/pgbouncer.ini");
        var takers = _engine.Run("Get-Command -Module PgMigration | ForEach-Object { if (@($_.Parameters.Values.Attributes).Where{ $_.ValueFromPipeline }) { $_.Name } }").Select(name => (string)name.BaseObject).ToList();
        var foreign = _engine.Run("""
            [pscustomobject]@{ Name = 'x'; BackupName = 'x'; Archive = '/nowhere/archive'; Path = '/nowhere/x'; Folder = '/nowhere/x'; FullName = '/nowhere/x'; DataDirectory = '/nowhere/data'; Target = 'postgres://app@127.0.0.1:1/shop'; Gate = 'x'; Link = 'x'; Journal = '/nowhere/journal' }
            [Diagnostics.Process]::GetCurrentProcess()
            [IO.DirectoryInfo]::new('/')
            [version]'1.2'
            7
            $true
            """);

        var wrong = (from piped in foreign from taker in takers select Mistake(taker, piped, null) is { } mistake ? $"{piped.TypeNames[0]} | {taker}: {mistake}" : null).OfType<string>().ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static IEnumerable<(string Form, PSObject Object)> Forms(PSObject live, bool liveOnly)
    {
        yield return ("live", live);
        if (liveOnly)
        {
            yield break;
        }

        yield return ("selected", Bag(live, "Selected." + live.TypeNames[0]));
        yield return ("remoted", (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(live, 1)));
        yield return ("json", Json(live));
    }

    private static PSObject Bag(PSObject live, string? typeName)
    {
        var bag = new PSObject();
        foreach (var property in live.Properties)
        {
            bag.Properties.Add(new PSNoteProperty(property.Name, ValueOf(property)));
        }

        if (typeName is not null)
        {
            bag.TypeNames.Insert(0, typeName);
        }

        return bag;
    }

    // as ConvertTo-Json and ConvertFrom-Json leave it: bags of bags, enumerations as numbers
    private static PSObject Json(PSObject live)
    {
        var bag = Bag(live, null);
        foreach (var property in bag.Properties)
        {
            property.Value = property.Value switch
            {
                null or string or bool or int or long or string[] => property.Value,
                ulong number => (long)number,
                Enum value => Convert.ToInt64(value, CultureInfo.InvariantCulture),
                IList list => list.Cast<object>().Select(item => item is string ? item : Bag(PSObject.AsPSObject(item), null)).ToArray(),
                Uri uri => uri.OriginalString,
                var other => Bag(PSObject.AsPSObject(other), null),
            };
        }

        return bag;
    }

    private static object? ValueOf(PSPropertyInfo property)
    {
        try
        {
            return property.Value;
        }
        catch (GetValueException)
        {
            return null; // computed from what the sample lacks
        }
    }

    private PSObject Server() => _engine.Run("[PgMigration.PgServer]::Parse('postgres://app@127.0.0.1:1/shop')")[0];

    private PSObject Filled(Type type)
    {
        object sample = RuntimeHelpers.GetUninitializedObject(type);
        for (var level = type; level is not null && level != typeof(object); level = level.BaseType)
        {
            foreach (var property in level.GetProperties(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(property => property.GetMethod is { IsStatic: false }))
            {
                if (Value(property) is not { } value)
                {
                    continue;
                }

                if (property.SetMethod is not null)
                {
                    property.SetValue(sample, value);
                }
                else
                {
                    level.GetField($"<{property.Name}>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)?.SetValue(sample, value);
                }
            }

            foreach (var field in level.GetFields(BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(field => field.Name == "_probe"))
            {
                field.SetValue(sample, Activator.CreateInstance(field.FieldType, nonPublic: true));
            }
        }

        return PSObject.AsPSObject(sample);
    }

    private object? Value(PropertyInfo property) => property.PropertyType switch
    {
        var text when text == typeof(string) => property.Name switch
        {
            "Archive" => "/nowhere/archive",
            "DataDirectory" => "/nowhere/data",
            "Journal" => "/nowhere/journal",
            "Folder" => "/nowhere/folder",
            "Source" or "Target" => "postgres://app@127.0.0.1:1/shop",
            _ => "text",
        },
        { Name: "PgServer" } => Server().BaseObject,
        { Name: "DmsAccess" } access => Activator.CreateInstance(access),
        { Name: "Uri" } => new Uri("http://127.0.0.1:1/"),
        { Name: "UInt64" } => 7UL,
        { IsGenericType: true } list when list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => List(list.GenericTypeArguments[0]),
        _ => null,
    };

    private Array List(Type element)
    {
        var list = Array.CreateInstance(element, element.Name == "DmsTaskName" ? 1 : 0);
        if (list.Length == 1)
        {
            list.SetValue(_engine.Run("[PgMigration.DmsTaskName]::new('shop', 'arn:aws:dms:eu-central-1:1:task:A', 'dms')")[0].BaseObject, 0);
        }

        return list;
    }

    // What is wrong with the outcome of one pair; null when nothing is.
    private string? Mistake(string taker, PSObject piped, string? meant)
    {
        using var pipeline = _engine.Pipeline($"$args[0] | {taker} {Parameters.GetValueOrDefault(taker)}", piped);
        string said;
        string? id = null;
        try
        {
            var output = pipeline.Invoke();
            said = string.Concat(output.Select(row => row is null ? string.Empty : string.Join(' ', row.Properties.Select(ValueOf))));
            id = pipeline.Streams.Error.FirstOrDefault()?.FullyQualifiedErrorId;
            said += string.Concat(pipeline.Streams.Error);
        }
        catch (RuntimeException failure)
        {
            (said, id) = (failure.ErrorRecord.ToString(), failure.ErrorRecord.FullyQualifiedErrorId);
        }

        bool refused = id is not null && Refusals.Contains(id.Split(',')[0]);
        if (meant is null)
        {
            return refused && id!.Split(',')[0] != "JournalNotFound" ? null : $"was not refused: {id} {said}";
        }

        string evidence = meant[(taker.Length + 2)..];
        return evidence == "WhatIf" ? (id is null ? null : $"was refused: {id} {said}")
            : said.Contains(evidence, StringComparison.Ordinal) && (!refused || id!.StartsWith("JournalNotFound", StringComparison.Ordinal)) ? null : $"did not bind: {id} {said}";
    }
}
